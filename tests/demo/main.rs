//! `make demo`: one private image pulled from two clouds through the real plugins and the real
//! engine. The clouds are simulated, on loopback, by the fakes that the tests use.
//!
//! `demo [DIRECTORY]` leaves the node and its image store in the directory, which it empties first;
//! without one it uses a temporary directory. It fails if anything is not as it says.

mod screen;
mod stage;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use regcred_core::ImagePattern;
use regcred_tests::cloud::Cloud;
use regcred_tests::image::digest_of;
use regcred_tests::program::built;
use regcred_tests::{Finished, Program};
use serde_json::{Value, json};

use screen::{Screen, masked};
use stage::{ECR_HOST, ECR_PLUGIN, GCR_HOST, GCR_PLUGIN, Stage};

fn main() -> ExitCode {
    let started = Instant::now();
    let mut screen = Screen::new();
    match demo(&mut screen) {
        Ok(()) => {
            let took = started.elapsed().as_secs_f32();
            screen.title(&format!("\nAll of it was as claimed. It took {took:.1} s."));
            ExitCode::SUCCESS
        }
        Err(why) => {
            screen.title(&format!("\nNOT as claimed: {why}"));
            ExitCode::FAILURE
        }
    }
}

fn demo(screen: &mut Screen) -> Result<(), String> {
    let temporary = tempfile::tempdir().map_err(|e| format!("no temporary directory: {e}"))?;
    let asked = std::env::args_os().nth(1).map(PathBuf::from);
    let directory = match &asked {
        None => temporary.path().to_owned(),
        Some(directory) => empty(directory)?,
    };
    screen.title("One private image, pulled from two clouds");
    screen.say(
        "THE CLOUDS ARE SIMULATED: their metadata servers, the ECR API and both registries are\n\
         fakes inside this program, on loopback ports. No account is used, nothing leaves this\n\
         machine. Real are the plugins, the pull engine, the files on disk and the protocols: the\n\
         fakes check signatures, headers, scopes and passwords, and refuse what is wrong.",
    );
    let stage = Stage::set(&directory);
    show_clouds(screen, &stage);
    show_node(screen, &stage)?;
    let ecr_image = format!("{ECR_HOST}/team/app:v1");
    let gcr_image = format!("{GCR_HOST}/demo-project/team/app:v1");
    ask_plugin(screen, &stage, ECR_PLUGIN, &stage.ecr)?;
    ask_plugin(screen, &stage, GCR_PLUGIN, &stage.gcr)?;
    explain(screen, &stage, &ecr_image)?;
    screen.step("Both images are pulled, all platforms");
    pull(screen, &stage, &ecr_image, stage.ecr_image.digest())?;
    pull(screen, &stage, &gcr_image, stage.gcr_image.digest())?;
    claim(
        stage.gcr_registry.tokens_issued() > 0,
        "the pkg.dev registry issued a bearer token",
    )?;
    look(screen, &stage)?;
    refuse(screen, &stage, &ecr_image)?;
    if let Some(directory) = asked {
        screen.title("");
        screen.say(&format!("Left for you to look at: {}", directory.display()));
    }
    Ok(())
}

fn show_clouds(screen: &mut Screen, stage: &Stage) {
    screen.step("The simulated clouds");
    let mut lines = String::new();
    let mut line = |name: &str, url: &str, what: &str| {
        lines.push_str(&format!("{name:<22} {url:<24} {what}\n"));
    };
    let place = |cloud: &dyn Cloud, name: &str| {
        let env = cloud.env().into_iter();
        env.filter(|(n, _)| n == name)
            .map(|(_, v)| v)
            .next()
            .unwrap_or_default()
    };
    let imds = place(&stage.ecr, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    line("EC2 instance metadata", &imds, "version 2 only; one role");
    line(
        "ECR API",
        &place(&stage.ecr, "AWS_ENDPOINT_URL_ECR"),
        "checks SigV4 signatures",
    );
    line(
        "ECR registry",
        &stage.ecr_registry.server().url(),
        "wants Basic with ECR's password",
    );
    line(
        "GCE metadata",
        &place(&stage.gcr, "GCE_METADATA_HOST"),
        "wants Metadata-Flavor",
    );
    line(
        "pkg.dev registry",
        &stage.gcr_registry.server().url(),
        "wants a scoped Bearer token",
    );
    screen.say(&lines);
    screen.say("Each registry holds one private image for linux/amd64 and linux/arm64:");
    let (ecr, gcr) = (&stage.ecr_image, &stage.gcr_image);
    screen.say(&format!("{ECR_HOST}/team/app:v1\n  {}", ecr.digest()));
    screen.say(&format!(
        "{GCR_HOST}/demo-project/team/app:v1\n  {}",
        gcr.digest()
    ));
}

fn show_node(screen: &mut Screen, stage: &Stage) -> Result<(), String> {
    screen.step("The node, as an operator sets it up");
    let node = &stage.node;
    for file in [
        node.config(),
        node.hosts_dir().join(ECR_HOST).join("hosts.toml"),
    ] {
        let text = std::fs::read_to_string(&file).map_err(|e| e.to_string())?;
        screen.command(&format!("cat {}", file.display()));
        screen.quote(&text);
    }
    screen.say("The hosts.toml, and its twin for pkg.dev, lead the public names to loopback.");
    Ok(())
}

/// Runs a plugin as the kubelet does and checks its answer.
fn ask_plugin(
    screen: &mut Screen,
    stage: &Stage,
    plugin: &str,
    cloud: &dyn Cloud,
) -> Result<(), String> {
    screen.step(&format!("{plugin} answers the kubelet"));
    let image = cloud.image();
    let request = format!(
        "{{\"kind\":\"CredentialProviderRequest\",\
         \"apiVersion\":\"credentialprovider.kubelet.k8s.io/v1\",\"image\":\"{image}\"}}"
    );
    screen.command(&format!("echo '{request}' | {plugin}"));
    let done = Program::new(built(plugin))
        .envs(cloud.env())
        .stdin(request)
        .run();
    screen.quote(&masked(&done.stdout(), &stage.secrets()));
    let answer: Value = serde_json::from_str(&ok(&done)?).map_err(|e| e.to_string())?;
    let login = fitting_login(&answer, cloud.image());
    let password = login["password"].as_str().unwrap_or_default();
    claim(
        login["username"] == cloud.username(),
        "the user name is the cloud's",
    )?;
    claim(
        cloud.secrets().iter().any(|s| s == password),
        "the password is the one that the cloud issued",
    )
}

/// The login under a key that the kubelet finds for the image; null for none.
fn fitting_login<'a>(answer: &'a Value, image: &str) -> &'a Value {
    let auth = answer["auth"].as_object().into_iter().flatten();
    let mut fitting = auth
        .filter(|(key, _)| ImagePattern::parse(key).is_ok_and(|pattern| pattern.matches(image)));
    fitting.next().map_or(&Value::Null, |(_, login)| login)
}

fn explain(screen: &mut Screen, stage: &Stage, image: &str) -> Result<(), String> {
    screen.step("Which credential would be used, and why");
    screen.command(&format!("regcred explain --try {image}"));
    let done = stage.node.regcred("explain").args(["--try", image]).run();
    let text = ok(&done)?;
    screen.quote(&text);
    claim(text.contains(ECR_PLUGIN), "explain names the plugin")?;
    no_secrets(stage, &done)
}

fn pull(screen: &Screen, stage: &Stage, image: &str, digest: &str) -> Result<(), String> {
    screen.command(&format!("regcred pull --platform all {image}"));
    let done = stage.node.pull(image).args(["--platform", "all"]).run();
    screen.quote(&done.stderr);
    let text = ok(&done)?;
    screen.quote(&text);
    claim(
        text.contains(digest),
        "the digest is the one that was pushed",
    )?;
    no_secrets(stage, &done)
}

/// Every file of the layout, hashed by this program and not by the one that wrote it.
fn look(screen: &mut Screen, stage: &Stage) -> Result<(), String> {
    screen.step("Where the image lies: an OCI image layout");
    let store = stage.node.store();
    screen.command(&format!("ls {}", store.join("blobs/sha256").display()));
    let blobs = files(&store.join("blobs/sha256"))?;
    for blob in &blobs {
        let bytes = std::fs::read(blob).map_err(|e| e.to_string())?;
        let name = blob.file_name().unwrap_or_default().to_string_lossy();
        screen.quote(&format!("{:>9}  {name}", bytes.len()));
        claim(
            digest_of(&bytes) == format!("sha256:{name}"),
            "each blob has its name's hash",
        )?;
    }
    // Twice: an index, two manifests, two configurations, a shared layer and two of their own.
    claim(blobs.len() == 16, "both images are complete")?;
    let index = std::fs::read_to_string(store.join("index.json")).map_err(|e| e.to_string())?;
    let index: Value = serde_json::from_str(&index).map_err(|e| e.to_string())?;
    let names = index["manifests"].as_array().map_or(0, Vec::len);
    screen.say(&format!(
        "Each hashes to its own name. index.json names {names} images."
    ));
    claim(names == 2, "the index names both images")
}

fn refuse(screen: &mut Screen, stage: &Stage, image: &str) -> Result<(), String> {
    screen.step("A wrong credential is refused");
    let wrong = stage.node.root().join("wrong-pull-secret.json");
    let login = json!({"auths": {ECR_HOST: {"username": "AWS", "password": "a guess"}}});
    std::fs::write(&wrong, login.to_string()).map_err(|e| e.to_string())?;
    screen.command(&format!(
        "regcred pull --policy Always --pull-secret {} {image}",
        wrong.display()
    ));
    let pull = Program::ours("regcred")
        .args(["pull", "--policy", "Always", "--hosts-dir"])
        .arg(stage.node.hosts_dir())
        .arg("--root-dir")
        .arg(stage.node.root().join("home"))
        .arg("--store")
        .arg(stage.node.root().join("other-store"))
        .arg("--pull-secret")
        .arg(&wrong)
        .arg(image);
    let done = pull.env("HOME", stage.node.root().join("home")).run();
    screen.quote(&done.stderr);
    claim(done.code() != Some(0), "the pull failed")?;
    claim(
        !done.stderr.contains("a guess"),
        "the error shows no password",
    )?;
    let stored = files(&stage.node.root().join("other-store/blobs/sha256")).unwrap_or_default();
    claim(stored.is_empty(), "nothing was stored")
}

/// The program's stdout, if it succeeded.
fn ok(done: &Finished) -> Result<String, String> {
    match done.code() {
        Some(0) => Ok(done.stdout()),
        code => Err(format!("exit code {code:?}: {}", done.stderr.trim_end())),
    }
}

fn claim(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

fn no_secrets(stage: &Stage, done: &Finished) -> Result<(), String> {
    let said = done.stdout() + &done.stderr;
    let leaks = stage
        .secrets()
        .iter()
        .any(|secret| said.contains(secret.as_str()));
    claim(!leaks, "no secret was printed")
}

fn files(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(directory)
        .map_err(|e| format!("cannot read {}: {e}", directory.display()))?;
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()
        .map_err(|e| e.to_string())?;
    files.sort();
    Ok(files)
}

/// Empties a directory that an earlier demo left; refuses one that holds anything else.
fn empty(directory: &Path) -> Result<PathBuf, String> {
    if directory.to_string_lossy().starts_with('-') {
        return Err("usage: demo [DIRECTORY]".to_owned());
    }
    if directory.exists() {
        let ours = directory.join(MARK).exists();
        claim(
            ours || files(directory)?.is_empty(),
            "the directory is empty or left by an earlier demo",
        )?;
        std::fs::remove_dir_all(directory).map_err(|e| e.to_string())?;
    }
    std::fs::create_dir_all(directory).map_err(|e| e.to_string())?;
    std::fs::write(directory.join(MARK), "").map_err(|e| e.to_string())?;
    std::path::absolute(directory).map_err(|e| e.to_string())
}

/// Tells a directory that a demo may empty from a node's own.
const MARK: &str = ".regcred-demo";
