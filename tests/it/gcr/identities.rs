//! Every place where an identity may be, through the kubelet's face into a pull, the docker helper
//! and `token`.

use regcred_tests::google::{
    DISTANT_ACCOUNT, KEY_ACCOUNT, MIDDLE_ACCOUNT, NODE_ACCOUNT, PERSON, STAFF, TARGET_ACCOUNT,
};
use regcred_tests::{FakeGceMetadata, FakeGoogle};
use serde_json::{Value, json};

use super::foreign::Foreign;
use super::{Dir, HOST, IMAGE, PLUGIN, Vars, node_with, plugin, registry, text, vars, who_pulled};

#[test]
fn key_files_pull_through_every_face() {
    let google = FakeGoogle::start();
    let dir = Dir::new();
    let mut public = google.key_file();
    public["token_uri"] = json!("https://oauth2.googleapis.com/token");
    let mut pasted = google.key_file();
    pasted["private_key"] = json!(text(&pasted["private_key"]).replace('\n', "\\n"));
    // The file's own address, on the operator's word.
    let trusted: Vars = google
        .env()
        .into_iter()
        .filter(|(name, _)| name == "REGCRED_GCR_TRUSTED_HOSTS")
        .collect();
    for (name, file, mut env) in [
        ("own.json", google.key_file(), trusted),
        ("public.json", public, google.env()),
        ("pasted.json", pasted, google.env()),
    ] {
        env.push((
            "GOOGLE_APPLICATION_CREDENTIALS".into(),
            dir.json(name, &file),
        ));
        pulls_as(&google, KEY_ACCOUNT, &env);
    }
}

#[test]
fn a_persons_login_pulls_through_every_face() {
    let google = FakeGoogle::start();
    let dir = Dir::new();
    let named = dir.json("user.json", &google.user_file());
    dir.json(
        "home/.config/gcloud/application_default_credentials.json",
        &google.user_file(),
    );
    let home = dir.path("home").display().to_string();
    for more in [
        ("GOOGLE_APPLICATION_CREDENTIALS", named.as_str()),
        ("HOME", &home),
    ] {
        let mut env = google.env();
        env.extend(vars(&[more]));
        pulls_as(&google, PERSON, &env);
    }

    let mut env = google.env();
    let staff = dir.json("staff.json", &google.external_user_file());
    env.extend(vars(&[("GOOGLE_APPLICATION_CREDENTIALS", &staff)]));
    pulls_as(&google, STAFF, &env);
}

#[test]
fn workloads_of_other_clouds_pull_through_every_face() {
    let google = FakeGoogle::start();
    let dir = Dir::new();
    let foreign = Foreign::start(&google, &dir);
    for (name, owner, file) in foreign.files(&google) {
        let pulls = |file: &Value, owner: &str| {
            let path = dir.json("external.json", file);
            let mut env = google.env();
            env.extend(foreign.vars());
            env.extend(vars(&[("GOOGLE_APPLICATION_CREDENTIALS", &path)]));
            println!("{name} as {owner}");
            pulls_as(&google, owner, &env);
        };
        pulls(&file, owner);
        let mut acting = file;
        acting["service_account_impersonation_url"] =
            json!(google.impersonation_url(TARGET_ACCOUNT));
        acting["service_account_impersonation"] = json!({"token_lifetime_seconds": 1800});
        pulls(&acting, TARGET_ACCOUNT);
    }
}

#[test]
fn service_accounts_are_acted_as_through_every_face() {
    let google = FakeGoogle::start();
    let machine = FakeGceMetadata::start_beside(&google);
    let dir = Dir::new();
    let (key, user) = (google.key_file(), google.user_file());
    for (owner, file) in [
        (
            TARGET_ACCOUNT,
            google.impersonating_file(&key, TARGET_ACCOUNT, &[]),
        ),
        (
            TARGET_ACCOUNT,
            google.impersonating_file(&user, TARGET_ACCOUNT, &[]),
        ),
        (
            DISTANT_ACCOUNT,
            google.impersonating_file(&user, DISTANT_ACCOUNT, &[MIDDLE_ACCOUNT]),
        ),
    ] {
        let mut env = google.env();
        let path = dir.json("impersonating.json", &file);
        env.extend(vars(&[("GOOGLE_APPLICATION_CREDENTIALS", &path)]));
        pulls_as(&google, owner, &env);
    }
    // The machine's account, or the file's, as another on the operator's word.
    let mut env = google.env();
    env.extend(machine.env());
    pulls_as(&google, NODE_ACCOUNT, &env);
    env.extend(vars(&[("REGCRED_GCR_IMPERSONATE", TARGET_ACCOUNT)]));
    pulls_as(&google, TARGET_ACCOUNT, &env);
    let key = dir.json("key.json", &key);
    env.extend(vars(&[("GOOGLE_APPLICATION_CREDENTIALS", &key)]));
    pulls_as(&google, TARGET_ACCOUNT, &env);
}

#[test]
fn narrow_scopes_reach_whoever_narrows() {
    let google = FakeGoogle::start();
    let machine = FakeGceMetadata::start_beside(&google);
    let dir = Dir::new();
    let narrow = "https://www.googleapis.com/auth/devstorage.read_only";
    let key = dir.json("key.json", &google.key_file());
    let acting = google.impersonating_file(&google.key_file(), TARGET_ACCOUNT, &[]);
    let acting = dir.json("acting.json", &acting);
    for env in [
        machine.env(),
        vars(&[("GOOGLE_APPLICATION_CREDENTIALS", &key)]),
        vars(&[("GOOGLE_APPLICATION_CREDENTIALS", &acting)]),
    ] {
        let mut env = env;
        env.extend(google.env());
        let args = ["token", HOST, "--scopes", "devstorage.read_only"];
        let token = plugin(&env).args(args).run().success();
        let token = google.ledger().find(token.trim()).expect("issued");
        assert_eq!(token.scopes, [narrow], "{}", token.owner);
    }
}

#[test]
fn a_key_may_vouch_for_itself_or_be_handed_out_on_request() {
    let google = FakeGoogle::start();
    let dir = Dir::new();
    let file = google.key_file();
    let key = dir.json("key.json", &file);
    let mut env = vars(&[("GOOGLE_APPLICATION_CREDENTIALS", &key)]);
    env.extend(google.env());
    let token = |args: &[&str]| {
        let token = plugin(&env)
            .args(["token", HOST, "--output", "json"])
            .args(args);
        token.run().json()
    };
    let signed = token(&["--self-signed-jwt"]);
    assert_eq!(signed["username"], "_token");
    let owner = google.owner_by_signature(text(&signed["password"]));
    assert_eq!(owner, Some(KEY_ACCOUNT));

    let whole = token(&["--username", "_json_key"]);
    assert_eq!(
        (text(&whole["username"]), text(&whole["password"])),
        ("_json_key", &*file.to_string())
    );
    let encoded = token(&["--username", "_json_key_base64"]);
    assert_eq!(encoded["username"], "_json_key_base64");
    assert_eq!(encoded["password"], base64(&file.to_string()));
    assert!(
        google.server().seen().is_empty(),
        "no request was to be sent"
    );

    let other_name = token(&["--username", "oauth2accesstoken"]);
    assert_eq!(other_name["username"], "oauth2accesstoken");
    let owner = google.owner(text(&other_name["password"]));
    assert_eq!(owner.as_deref(), Some(KEY_ACCOUNT));
}

/// The helper and `token` give that owner's token, and a pull is done with it.
fn pulls_as(google: &FakeGoogle, owner: &str, env: &Vars) {
    let docker = plugin(env)
        .args(["docker", "get"])
        .stdin(format!("https://{HOST}"))
        .run()
        .json();
    assert_eq!(docker["Username"], "_token");
    assert_eq!(
        google.owner(text(&docker["Secret"])).as_deref(),
        Some(owner)
    );
    let token = plugin(env).args(["token", IMAGE]).run().success();
    assert_eq!(google.owner(token.trim()).as_deref(), Some(owner));

    let registry = registry(google);
    let mut node = node_with(&registry);
    node.add_plugin(PLUGIN, &["*.pkg.dev"], env);
    let pulled = node.pull(IMAGE).run();
    assert!(pulled.success().contains(HOST), "{}", pulled.stderr);
    assert_eq!(who_pulled(google, &registry), [owner]);
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
