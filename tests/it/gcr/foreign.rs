//! Workloads of other clouds: the places from which their tokens come, and credentials files that
//! name them.

use regcred_tests::google::{AWS_ROLE, FakeAws, POD};
use regcred_tests::server::{Reply, Seen};
use regcred_tests::{FakeGoogle, Server};
use serde_json::{Value, json};

use super::{Dir, Vars, vars};

/// A file, a server, a program and an instance in AWS.
pub(super) struct Foreign {
    token_file: String,
    json_file: String,
    program: String,
    server: Server,
    aws: FakeAws,
}

impl Foreign {
    pub(super) fn start(google: &FakeGoogle, dir: &Dir) -> Self {
        let token_file = dir.pod_token(google);
        let token = std::fs::read_to_string(&token_file).expect("just written");
        let answer = json!({
            "version": 1, "success": true, "id_token": token,
            "token_type": "urn:ietf:params:oauth:token-type:jwt",
            "expiration_time": 4_102_444_800_i64,
        });
        let answer = dir.json("answer.json", &answer);
        // It looks at what such a program is told, and fails if that is wrong.
        let program = dir.script(
            "print-token",
            &format!(
                r#"[ "$1" = --for ] && [ "$2" = google ] || exit 3
[ "$GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE" = 0 ] || exit 4
case "$GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE" in //iam.googleapis.com/*) ;; *) exit 5 ;; esac
case "$GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE" in *:jwt) ;; *) exit 6 ;; esac
while read -r line || [ -n "$line" ]; do echo "$line"; done < {answer}"#
            ),
        );
        Self {
            json_file: dir.json("token.json", &json!({"jwt": token})),
            token_file,
            program,
            server: Server::start(move |request: &Seen| match request.header("metadata") {
                Some("True") => Reply::json(200, &json!({"access_token": token})),
                _ => Reply::json(400, &json!({"error": "no Metadata header"})),
            }),
            aws: FakeAws::start(google),
        }
    }

    /// What a client must be told beside the file.
    pub(super) fn vars(&self) -> Vars {
        vars(&[("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")])
    }

    /// Credentials files, each with a name and the identity it describes.
    pub(super) fn files(&self, google: &FakeGoogle) -> Vec<(&'static str, &'static str, Value)> {
        let as_json = |field: &str| json!({"type": "json", "subject_token_field_name": field});
        let url = format!("{}/metadata/identity/oauth2/token", self.server.url());
        let command = format!("{} --for google", self.program);
        let from = |source: Value| google.external_file(&source);
        vec![
            ("file", POD, from(json!({"file": self.token_file}))),
            (
                "file of JSON",
                POD,
                from(json!({"file": self.json_file, "format": as_json("jwt")})),
            ),
            (
                "url",
                POD,
                from(json!({
                    "url": url, "headers": {"Metadata": "True"},
                    "format": as_json("access_token"),
                })),
            ),
            (
                "executable",
                POD,
                from(json!({"executable": {"command": command, "timeout_millis": 5000}})),
            ),
            (
                "aws",
                AWS_ROLE,
                google.aws_file(&self.aws.credential_source()),
            ),
        ]
    }
}
