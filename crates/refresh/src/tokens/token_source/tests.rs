use secrecy::ExposeSecret as _;

use super::*;
use crate::config::Registry;

fn source(hosts: &[&str], kind: SourceKind) -> SourcePlan {
    let registry = Registry {
        name: "s".to_owned(),
        hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
        ..Registry::default()
    };
    SourcePlan { registry, kind }
}

/// Each host with `user:password`, or the whole error.
async fn logins(source: &SourcePlan, vars: &[(&str, &str)]) -> Result<String, String> {
    let env = Env::map(vars.iter().copied());
    let token = fetch(source, None, &env, &Clock::system()).await;
    let token = token.map_err(|error| regcred_core::report(&error))?;
    assert_eq!(token.life.expires, None);
    let shown = token.logins.iter().map(|(host, login)| {
        let password = login.password.expose_secret();
        format!("{host}={}:{password}", login.username)
    });
    Ok(shown.collect::<Vec<_>>().join(" "))
}

fn login(file: Option<&Path>) -> SourceKind {
    SourceKind::Static(StaticLogin {
        username: "robot".to_owned(),
        password_file: file.map(Path::to_owned),
        password_variable: file.is_none().then(|| "PASSWORD".to_owned()),
    })
}

#[tokio::test]
async fn a_login_that_is_written_down_is_every_hosts() {
    let by_variable = source(&["a.io", "b.io"], login(None));
    let found = logins(&by_variable, &[("PASSWORD", "p w")]).await;
    assert_eq!(found.as_deref(), Ok("a.io=robot:p w b.io=robot:p w"));
    let error = logins(&by_variable, &[]).await.expect_err("not set");
    assert_eq!(
        error,
        "static: PASSWORD does not hold a password; correct it, or the registry's login"
    );
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("password");
    let by_file = source(&["a.io"], login(Some(&path)));
    let error = logins(&by_file, &[]).await.expect_err("absent");
    assert!(error.contains("cannot read"), "{error}");
    for (text, expected) in [("p\n", "a.io=robot:p"), ("q\r\n", "a.io=robot:q")] {
        std::fs::write(&path, text).expect("a file");
        assert_eq!(logins(&by_file, &[]).await.as_deref(), Ok(expected));
    }
    let before = inputs(&by_file, &Env::default());
    std::fs::write(&path, "\n").expect("a file");
    assert_ne!(inputs(&by_file, &Env::default()), before);
    let error = logins(&by_file, &[]).await.expect_err("empty");
    assert!(error.contains("does not hold a password"), "{error}");
    std::fs::write(&path, vec![b'p'; (4 << 20) + 1]).expect("a file");
    let error = logins(&by_file, &[]).await.expect_err("large");
    assert!(
        error.contains("it is larger than 4 MiB; correct "),
        "{error}"
    );
}

#[tokio::test]
async fn logins_of_a_file_go_by_the_names_that_were_asked_for() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("config.json");
    let text = r#"{"auths":{"https://a.io/v2/":{"auth":"dTpw"},"b.io":{"auth":"eDp5"},"c.io":{}}}"#;
    std::fs::write(&path, text).expect("a file");
    let file = |hosts: &[&str]| source(hosts, SourceKind::File(path.clone()));
    assert_eq!(
        logins(&file(&["a.io"]), &[]).await.as_deref(),
        Ok("a.io=u:p")
    );
    assert_eq!(
        logins(&file(&[]), &[]).await.as_deref(),
        Ok("b.io=x:y https://a.io/v2/=u:p")
    );
    let error = logins(&file(&["c.io"]), &[]).await.expect_err("no login");
    assert!(error.starts_with("file: no logins to copy: "), "{error}");
    assert!(error.contains("has no login for c.io: it has no password; correct "));
}
