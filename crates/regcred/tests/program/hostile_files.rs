//! Each file that a variable, an option or another file names, replaced by what must not be waited for or
//! read whole: a FIFO, a device that never ends, a directory, a file that is too large.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::named_files::fifo;
use super::regcred;

const ECR: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app";
const ACR: &str = "team.azurecr.io/app";
const OCIR: &str = "fra.ocir.io/tenancy/app";
const ICR: &str = "us.icr.io/team/app";

/// An image, more variables, and the variable with the path of the file.
type Named = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

const VARIABLES: &[Named] = &[
    ("gcr.io/p/app", &[], "GOOGLE_APPLICATION_CREDENTIALS"),
    (ECR, &[("AWS_PROFILE", "p")], "AWS_CONFIG_FILE"),
    (ECR, &[("AWS_PROFILE", "p")], "AWS_SHARED_CREDENTIALS_FILE"),
    (
        ECR,
        &[("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/r")],
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ),
    (
        ECR,
        &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/")],
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ),
    (ACR, &[], "REGCRED_ACR_AZURE_JSON"),
    (ACR, &[], "AZURE_ENVIRONMENT_FILEPATH"),
    (ACR, ENTRA, "AZURE_FEDERATED_TOKEN_FILE"),
    (ACR, ENTRA, "AZURE_CLIENT_CERTIFICATE_PATH"),
    (ACR, ENTRA, "REGCRED_ACR_CLIENT_SECRET_FILE"),
    (
        ACR,
        &[
            ("REGCRED_ACR_USERNAME", "u"),
            ("REGCRED_ACR_LOGIN_SERVER", "team.azurecr.io"),
        ],
        "REGCRED_ACR_PASSWORD_FILE",
    ),
    (OCIR, &[("OCIR_AUTH_METHOD", "api_key")], "OCI_CONFIG_FILE"),
    (
        OCIR,
        &[("OCIR_AUTH_METHOD", "api_key")],
        "OCI_CLI_CONFIG_FILE",
    ),
    (OCIR, &[], "REGCRED_OCIR_PLUGIN_CONFIG"),
    (ICR, &[], "IBMCLOUD_API_KEY_FILE"),
    (
        ICR,
        &[("IBMCLOUD_CR_PROFILE", "p")],
        "IBMCLOUD_CR_TOKEN_FILENAME",
    ),
    ("zot.example.com/app", &[], "REGCRED_GENERIC_CONFIG"),
];

const ENTRA: &[(&str, &str)] = &[
    ("AZURE_CLIENT_ID", "8b2a5f2e-0000-4000-8000-000000000001"),
    ("AZURE_TENANT_ID", "8b2a5f2e-0000-4000-8000-000000000002"),
];

/// A command with the path of the file in the place of `@`.
const COMMANDS: &[&str] = &[
    "pull 127.0.0.1:1/app --docker-config @",
    "pull 127.0.0.1:1/app --pull-secret @",
    "explain 127.0.0.1:1/app --service-account-token @",
    "check --image-credential-provider-config @ --image-credential-provider-bin-dir DIR",
    "explain 127.0.0.1:1/app --image-credential-provider-config @ --image-credential-provider-bin-dir DIR",
    "prepull -f @ --runtime-endpoint unix:///nowhere",
    "token h.io --output kubernetes-secret --name s --from-file @",
];

/// A file with the path of the other in the place of `@`: its own path below the directory, its text, the
/// command.
const FILES: &[(&str, &str, &str)] = &[
    (
        "generic.yaml",
        "apiVersion: generic.regcred.dev/v1\nkind: RegistryConfiguration\nregistries:\n\
         - matchImages: [zot.example.com]\n  static: {username: u, passwordFile: '@'}\n",
        "token zot.example.com/app",
    ),
    (
        "oci",
        "[DEFAULT]\nuser=ocid1.user.oc1..a\ntenancy=ocid1.tenancy.oc1..a\nregion=eu-frankfurt-1\n\
         fingerprint=00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00\nkey_file=@\n",
        "token fra.ocir.io/tenancy/app",
    ),
    (
        "hosts/127.0.0.1:1/hosts.toml",
        "server = \"https://127.0.0.1:1\"\nca = \"@\"\n",
        "pull 127.0.0.1:1/app --hosts-dir DIR/hosts",
    ),
];

#[test]
fn a_file_that_cannot_be_read_whole_is_reported_and_never_waited_for() {
    let dir = tempfile::tempdir().expect("a directory");
    let large = dir.path().join("large");
    let file = File::create(&large).expect("a file");
    // Above every limit, and without a block on the disk.
    file.set_len(65 << 20).expect("a length");
    let kinds: [(PathBuf, &str); 4] = [
        (fifo(&dir.path().join("fifo")), "it is not a regular file"),
        ("/dev/zero".into(), "it is not a regular file"),
        (dir.path().join("empty"), "s a directory"),
        (large, "it is larger than"),
    ];
    fs::create_dir(&kinds[2].0).expect("a directory");
    let mut wrong = Vec::new();
    for (path, why) in &kinds {
        let (path, why) = (path.as_path(), *why);
        let named = path.to_str().expect("text");
        for (image, vars, name) in VARIABLES {
            let command = format!("token {image}");
            let vars = [*vars, &[(*name, named)][..]].concat();
            check(&command, &vars, dir.path(), (*name, why), &mut wrong);
        }
        for command in COMMANDS {
            // Each of these may also be a directory.
            if why == "s a directory" && command.contains("provider-config") {
                continue;
            }
            let with = command.replace('@', named);
            check(&with, &[], dir.path(), (*command, why), &mut wrong);
        }
        for (file, text, command) in FILES {
            let written = dir.path().join(file);
            fs::create_dir_all(written.parent().expect("a directory")).expect("a directory");
            let text = text.replace('@', named);
            fs::write(&written, text).expect("a file");
            let vars = [
                ("REGCRED_GENERIC_CONFIG", written.to_str().expect("text")),
                ("OCI_CONFIG_FILE", written.to_str().expect("text")),
            ];
            check(command, &vars, dir.path(), (*file, why), &mut wrong);
        }
        // The file of a mirror's certificates, and the one that names them.
        let toml = dir.path().join("hosts/127.0.0.1:1/hosts.toml");
        if why != "it is larger than" && path.starts_with(dir.path()) {
            fs::remove_file(&toml).expect("the file");
            std::os::unix::fs::symlink(path, &toml).expect("a link");
            let command = "pull 127.0.0.1:1/app --hosts-dir DIR/hosts";
            check(command, &[], dir.path(), ("hosts.toml", why), &mut wrong);
            fs::remove_file(&toml).expect("the link");
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Notes what the command does in another way than to end with the reason.
fn check(
    command: &str,
    vars: &[(&str, &str)],
    dir: &Path,
    (what, why): (&str, &str),
    wrong: &mut Vec<String>,
) {
    let home = dir.to_str().expect("text");
    let command = command.replace("DIR", home);
    let mut program = regcred().args(command.split(' ')).env("HOME", home);
    for (name, value) in vars {
        program = program.env(*name, value);
    }
    program = program.env("AWS_EC2_METADATA_DISABLED", "true");
    if command.starts_with("pull") {
        program = program.arg("--store").arg(dir.join("store"));
    }
    let done = program.run();
    let shown = format!("{}{}", done.stderr, done.stdout());
    if done.code() == Some(0) || !shown.contains(why) {
        wrong.push(format!("{what}: {why}: {:?}: {shown}", done.code()));
    }
}
