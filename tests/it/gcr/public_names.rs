//! Google's services under their public names, with no variable that leads elsewhere: in a network
//! namespace whose hosts file leads the names to the fakes. This is where gcp_auth does the work.

use regcred_tests::TlsFront;
use regcred_tests::google::{
    FakeGoogle, GKE_AUDIENCE, GKE_ISSUER, GKE_POD, KEY_ACCOUNT, PERSON, POD, POOL, PROJECT,
    TARGET_ACCOUNT,
};
use regcred_tests::namespace::{instead_of, run_inside};
use serde_json::json;

use super::{Dir, HOST, IMAGE, Vars, password, plugin, request, vars};

#[test]
fn googles_public_names_are_asked_by_default() {
    let dir = Dir::new();
    let names: String = NAMES.map(|name| format!("127.0.0.1 {name}\n")).concat();
    let hosts = dir.file("hosts", &format!("127.0.0.1 localhost\n{names}"));
    run_inside(
        &instead_of("/etc/hosts", hosts.as_ref()),
        "gcr::public_names::inside_googles_public_names_are_asked_by_default",
    );
}

#[test]
#[ignore = "needs a namespace; googles_public_names_are_asked_by_default runs it"]
fn inside_googles_public_names_are_asked_by_default() {
    let google = FakeGoogle::start();
    let front = TlsFront::on_port(443, &NAMES, google.server().address());
    let dir = Dir::new();
    let home = dir.path("home").display().to_string();
    let ca = front.ca_file().display().to_string();
    let env = vars(&[("SSL_CERT_FILE", &ca), ("HOME", &home)]);
    let with = |more: &[(&str, &str)]| -> Vars { [env.clone(), vars(more)].concat() };

    // A key, by gcp_auth: one request, which is none of ours.
    let mut key = google.key_file();
    key["token_uri"] = json!("https://oauth2.googleapis.com/token");
    let path = dir.json("key.json", &key);
    let named = with(&[("GOOGLE_APPLICATION_CREDENTIALS", &path)]);
    let token = plugin(&named).args(["token", HOST]).run().success();
    assert_eq!(google.owner(token.trim()).as_deref(), Some(KEY_ACCOUNT));
    assert_eq!(requests(&google), [("/token".to_owned(), false)]);

    // One that is refused: gcp_auth keeps the reason to itself, so it is asked for.
    key["client_email"] = json!("gone@demo-project.iam.gserviceaccount.com");
    dir.json("key.json", &key);
    let done = plugin(&named).args(["token", HOST]).run();
    let said = done.fails(6);
    for part in [
        "gone@demo-project",
        "400",
        "Invalid grant: account not found",
    ] {
        assert!(said.contains(part), "{part:?} is not in: {said}");
    }
    assert_eq!(requests(&google).last(), Some(&("/token".to_owned(), true)));

    // The person's login that gcloud keeps, by gcp_auth.
    let before = requests(&google).len();
    dir.json(
        "home/.config/gcloud/application_default_credentials.json",
        &google.user_file(),
    );
    let token = plugin(&env).args(["token", HOST]).run().success();
    assert_eq!(google.owner(token.trim()).as_deref(), Some(PERSON));
    assert_eq!(
        requests(&google)[before..],
        [("/o/oauth2/token".to_owned(), false)]
    );

    // The same file under another name is not gcp_auth's to read.
    let path = dir.json("user.json", &google.user_file());
    let named = with(&[("GOOGLE_APPLICATION_CREDENTIALS", &path)]);
    let token = plugin(&named).args(["token", HOST]).run().success();
    assert_eq!(google.owner(token.trim()).as_deref(), Some(PERSON));
    assert_eq!(requests(&google).last(), Some(&("/token".to_owned(), true)));

    // Pods by both conventions, and the IAM Credentials API.
    let mut asked = request(IMAGE);
    asked["serviceAccountAnnotations"] = json!({"iam.gke.io/enable-wi-image-pull": "true"});
    asked["serviceAccountToken"] = json!(google.cluster().token(&format!("https:{POOL}"), 600));
    let by_pool = plugin(&env).args(["get-credentials", "--sts-audience", POOL]);
    let answer = by_pool.stdin(asked.to_string()).run().json();
    assert_eq!(google.owner(password(&answer)).as_deref(), Some(POD));
    asked["serviceAccountToken"] = json!(google.gke_cluster().token(GKE_AUDIENCE, 600));
    let by_cluster = plugin(&env)
        .args(["get-credentials", "--identity-provider", GKE_ISSUER])
        .args(["--project-id", PROJECT]);
    let answer = by_cluster.clone().stdin(asked.to_string()).run().json();
    assert_eq!(google.owner(password(&answer)).as_deref(), Some(GKE_POD));
    asked["serviceAccountAnnotations"]["iam.gke.io/gcp-service-account"] = json!(TARGET_ACCOUNT);
    let answer = by_cluster.stdin(asked.to_string()).run().json();
    assert_eq!(
        google.owner(password(&answer)).as_deref(),
        Some(TARGET_ACCOUNT)
    );
}

/// The paths asked so far, each with whether our own client asked.
fn requests(google: &FakeGoogle) -> Vec<(String, bool)> {
    let seen = google.server().seen();
    let ours = |agent: Option<&str>| agent.is_some_and(|agent| agent.starts_with("regcred"));
    seen.iter()
        .map(|request| (request.path.clone(), ours(request.header("user-agent"))))
        .collect()
}

const NAMES: [&str; 4] = [
    "oauth2.googleapis.com",
    "accounts.google.com",
    "sts.googleapis.com",
    "iamcredentials.googleapis.com",
];
