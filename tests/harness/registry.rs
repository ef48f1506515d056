//! The real registry: Debian's `docker-registry` (distribution 2.8), one process a test.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::{Image, Program, Skopeo, TokenServer, need};

/// A running registry with a store of its own. Dropping it ends it.
pub struct Registry {
    _daemon: Daemon,
    authority: String,
    directory: TempDir,
}

/// Who may pull and push.
pub enum Access<'a> {
    /// Everybody.
    Open,
    /// One user by `Authorization: Basic`, checked against an htpasswd file.
    Htpasswd(&'a str, &'a str),
    /// Whoever brings a token of that server.
    Token(&'a TokenServer),
}

impl Registry {
    /// Starts a registry; `None` where the program is not installed and need not be.
    ///
    /// # Panics
    /// When it is installed and does not start.
    #[must_use]
    pub fn start(access: &Access<'_>) -> Option<Self> {
        Self::start_in(tempfile::tempdir().expect("a temporary directory"), access)
    }

    /// As [`start`](Self::start), with its content in `directory`.
    ///
    /// # Panics
    /// When it is installed and does not start.
    #[must_use]
    pub fn start_in(directory: TempDir, access: &Access<'_>) -> Option<Self> {
        let program = need("docker-registry")?;
        let config = configuration(directory.path(), access)?;
        let file = directory.path().join("config.yml");
        std::fs::write(&file, config).expect("a configuration file");
        let args = [Path::new("serve"), &file];
        let env = [("OTEL_TRACES_EXPORTER", "none")];
        let (daemon, authority) = Daemon::start(&program, &args, &env, listening);
        Some(Self {
            _daemon: daemon,
            authority,
            directory,
        })
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.authority)
    }

    /// The directory of its content. It may be removed while no request is under way: then the
    /// registry is empty.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.directory.path().join(STORE)
    }

    /// Pushes an image with skopeo under `name:tag`, as it is, all platforms; `None` where skopeo
    /// is not installed and need not be.
    ///
    /// # Panics
    /// When the push fails.
    pub fn push(&self, image: &Image, name: &str, login: Option<(&str, &str)>) -> Option<()> {
        let skopeo = Skopeo::find()?;
        let layout = tempfile::tempdir_in(self.directory.path()).expect("a directory");
        image.write_layout(layout.path(), "image");
        let source = format!("oci:{}:image", layout.path().display());
        let target = format!("docker://{}/{name}", self.authority);
        let mut args = vec![
            "copy",
            "--all",
            "--preserve-digests",
            "--dest-tls-verify=false",
        ];
        let login = login.map(|(user, password)| format!("{user}:{password}"));
        if let Some(login) = &login {
            args.extend(["--dest-creds", login]);
        }
        args.extend([source.as_str(), target.as_str()]);
        let _ = skopeo.run(&args).success();
        Some(())
    }
}

fn configuration(directory: &Path, access: &Access<'_>) -> Option<String> {
    let store = directory.join(STORE);
    let auth = match access {
        Access::Open => String::new(),
        Access::Htpasswd(user, password) => {
            let file = directory.join("htpasswd");
            let lines = Program::new(need("htpasswd")?)
                .args(["-Bbn", user, password])
                .run()
                .success();
            std::fs::write(&file, lines).expect("an htpasswd file");
            format!(
                "auth: {{htpasswd: {{realm: test, path: {}}}}}\n",
                file.display()
            )
        }
        Access::Token(server) => {
            let file = directory.join("token.crt");
            std::fs::write(&file, server.certificate_pem()).expect("a certificate file");
            format!(
                "auth: {{token: {{realm: \"{}\", service: {}, issuer: {}, rootcertbundle: {}}}}}\n",
                server.realm(),
                TokenServer::SERVICE,
                TokenServer::ISSUER,
                file.display()
            )
        }
    };
    Some(format!(
        "version: 0.1\n\
         log: {{level: info, accesslog: {{disabled: true}}}}\n\
         storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
         http: {{addr: \"127.0.0.1:0\"}}\n{auth}",
        store.display()
    ))
}

const STORE: &str = "store";

/// The address in a line such as `… msg="listening on 127.0.0.1:41234" …`.
fn listening(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("listening on ")?;
    let end = rest.find(['"', ' ', ',']).unwrap_or(rest.len());
    Some(rest[..end].to_owned())
}
