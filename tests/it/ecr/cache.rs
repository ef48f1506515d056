//! The shared cache as people see it, and the two lines of the log that the Kubernetes documentation
//! tells them to look for.

use regcred_tests::{Finished, Program};

use super::{Account, CachePlace, HOST, PLUGIN, password, request};

#[test]
fn the_cache_is_shown_and_emptied_without_a_secret() {
    let account = Account::new();
    let cache = CachePlace::new();
    let plugin = || account.plugin().env("REGCRED_CACHE", cache.path());
    let path = cache.path();
    let run = |words: [&str; 2]| plugin().args(words).run();
    assert_eq!(
        run(["cache", "show"]).success(),
        format!("0 entries in {}\n", path.display())
    );

    let token = password(&plugin().stdin(request(HOST)).run());
    let public = plugin().stdin(request("public.ecr.aws/a/b")).run().json();
    let shown = run(["cache", "show"]);
    let text = shown.success();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], format!("2 entries in {}", path.display()));
    for (line, host) in lines[1..].iter().zip([HOST, "public.ecr.aws"]) {
        assert!(
            line.starts_with(&format!("ecr: {host} as AWS, issued ")),
            "{line}"
        );
        assert!(
            line.ends_with("(11h59m left)") || line.ends_with("(12h00m left)"),
            "{line}"
        );
    }
    let said = text.clone() + &shown.stderr;
    let other = public["auth"]["public.ecr.aws"]["password"].as_str();
    for secret in [
        token.as_str(),
        other.expect("a password"),
        &super::key().secret,
    ] {
        assert!(!said.contains(secret), "a secret is shown");
    }

    let text = run(["cache", "clear"]).success();
    assert_eq!(text, format!("2 entries removed from {}\n", path.display()));
    assert!(cache.entries().is_empty());
    assert_ne!(password(&plugin().stdin(request(HOST)).run()), token);
    let off = account.plugin().args(["cache", "show"]).run();
    assert_eq!(off.success(), "the cache is off\n");
}

#[test]
fn the_lines_of_the_kubernetes_documentation_are_logged_when_the_api_is_asked() {
    let account = Account::new();
    let asked = "unable to get ECR credentials from cache, checking ECR API";
    let got = format!("Got ECR credentials from ECR API for {HOST}");
    let ends_with = |done: &Finished, text: &str| done.stderr.lines().any(|l| l.ends_with(text));
    // As upstream's users raise the verbosity, and as ours do.
    for (args, log) in [(&["-v=3"][..], ""), (&["--v", "4"], ""), (&[], "debug")] {
        let cache = CachePlace::new();
        let plugin = || {
            let plugin = account.plugin().env("REGCRED_CACHE", cache.path());
            plugin
                .args(args)
                .env("REGCRED_LOG", log)
                .stdin(request(HOST))
        };
        let cold = plugin().run();
        assert!(
            ends_with(&cold, asked) && ends_with(&cold, &got),
            "{}",
            cold.stderr
        );
        let warm = plugin().run();
        assert_eq!(password(&warm), password(&cold));
        assert!(
            !ends_with(&warm, asked) && !ends_with(&warm, &got),
            "{}",
            warm.stderr
        );
        assert!(warm.stderr.contains("from the cache"), "{}", warm.stderr);
    }
    let quiet = account.plugin().stdin(request(HOST)).run();
    assert_eq!(quiet.stderr, "");
}

#[test]
fn a_cache_that_cannot_be_used_is_no_error() {
    let account = Account::new();
    let place = CachePlace::new();
    let file = super::write(place.0.path(), "file", "in the way");
    for directory in ["/proc/no/such", "relative/path", file.as_str()] {
        let plugin = Program::ours(PLUGIN).env("PATH", "");
        let plugin = super::with_keys(plugin).envs(account.ecr.env());
        let plugin = plugin.env("REGCRED_CACHE", directory);
        let done = plugin.stdin(request(HOST)).run();
        assert!(
            account.ecr.logins().accepts("AWS", &password(&done)),
            "{directory}"
        );
    }
}
