//! Values of options that are meant to hurt: each is used or refused soon, and what it hides is not shown.

use std::fs;

use regcred_core::{Clock, CredentialRequest, Env, ProviderSpec, plain_lines, report};
use rustix::fs::{CWD, Mode, mkfifoat};

/// A registry of each provider.
const IMAGES: &[(&str, &str)] = &[
    ("ecr", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app"),
    ("gcr", "gcr.io/p/app"),
    ("icr", "us.icr.io/ns/app"),
    ("acr", "contoso.azurecr.io/app"),
    ("ocir", "fra.ocir.io/ns/app"),
    ("generic", "zot.test/app"),
];

#[test]
fn a_hostile_value_of_an_option_ends_soon_and_what_it_hides_is_not_shown() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).display().to_string();
    mkfifoat(CWD, path("fifo"), Mode::RUSR | Mode::WUSR).expect("a FIFO");
    fs::write(path("nested"), "[".repeat(200_000)).expect("a file");
    fs::write(path("secret"), format!("{{\"a\": {SECRET}}}\n{SECRET}\n")).expect("a file");
    let values = [
        format!("https://alice:{SECRET}@h.test/x?sig={SECRET}"),
        format!("http://{SECRET}@169.254.169.254/x?{SECRET}"),
        "\u{1b}]0;x\u{7}\r\n\u{202e}gnp.x\u{9b}31m".to_owned(),
        "x".repeat(200_000),
        "ü".repeat(70_000),
        "[".repeat(200_000),
        "99999999999999999999999".to_owned(),
        "-1".to_owned(),
        " ".to_owned(),
        path("fifo"),
        path("nested"),
        path("secret"),
        path(""),
        "/dev/zero".to_owned(),
        "/proc/self/mem".to_owned(),
    ];
    let (mut tried, mut refused) = (0, 0);
    for spec in regcred_providers::all() {
        for row in spec.vars {
            for value in &values {
                tried += 1;
                let value = if row.secret { SECRET } else { value };
                let Some(shown) = refusal(spec, &[(row.name, value)]) else {
                    continue;
                };
                refused += 1;
                let context = format!("{}, {} as {value:.60?}: {shown:.300}", spec.name, row.name);
                assert!(!shown.contains(SECRET), "{context}");
                assert!(shown.len() < 40_000, "{} bytes, {context}", shown.len());
                let shown = plain_lines(&shown);
                let is_plain = |c: char| c == '\n' || c == '\t' || !c.is_control();
                assert!(
                    shown.chars().all(is_plain) && !shown.contains('\u{202e}'),
                    "{context}"
                );
            }
        }
    }
    println!("{tried} hostile values of options, {refused} refused");
    assert!(
        tried > 1_000 && refused > 100,
        "{tried} values, {refused} refused"
    );
}

/// Why a provider, or a request to it, is refused with these variables; `None` if it is not.
fn refusal(spec: &ProviderSpec, vars: &[(&str, &str)]) -> Option<String> {
    let env = Env::map(vars.iter().copied());
    let (_, image) = IMAGES
        .iter()
        .find(|(name, _)| *name == spec.name)
        .expect(spec.name);
    let request = CredentialRequest::new(image).expect("an image");
    let provider = match (spec.new)(&env, &Clock::system()) {
        Ok(provider) => provider,
        Err(error) => return Some(report(&error)),
    };
    provider.plan(&request).err().map(|error| report(&error))
}

const SECRET: &str = "s3cret-c4n4ry-of-an-option-77aa";
