//! What a registry answers to a pull, and where the secrets of the pull go.

use regcred_core::{Credentials, Env, ImageRef};
use regcred_registry::{BlobChunk, Descriptor, Hosts, RegistryClient, RegistryError, Repository};
use secrecy::ExposeSecret as _;

use crate::message::assert_hides;
use crate::replies::{Asked, Servers, run};

pub(crate) fn answers(input: &[u8]) {
    run(async {
        let servers = Servers::start(input).await;
        let name = format!("{}/team/app:v1", servers.registry.host());
        let image = ImageRef::parse(&name).expect("an image");
        let login = Credentials::new("user", PASSWORD);
        let client = RegistryClient::new(&Env::default(), Hosts::none()).expect("a client");
        let repository = client.repository(&image, Some(&login));
        // Half of the inputs begin with the manifest, half with a part of a blob.
        if input.len().is_multiple_of(2) {
            if let Err(error) = repository.manifest("v1").await {
                refused(&error);
            }
            blob(&repository, 0).await;
        } else {
            blob(&repository, 4).await;
            if let Err(error) = repository.manifest("v1").await {
                refused(&error);
            }
        }
        for server in repository.servers().into_iter().flatten() {
            assert!(!format!("{server:?}").contains(PASSWORD));
        }
        secrets_stay(&servers);
    });
}

/// Bytes of a blob from an offset are never more than it has.
async fn blob(repository: &Repository, offset: u64) {
    let descriptor = Descriptor::of("application/octet-stream", CONTENT);
    match repository.blob(&descriptor, offset).await {
        Err(error) => refused(&error),
        Ok(mut stream) => {
            let mut received = offset;
            loop {
                match stream.chunk().await {
                    Ok(Some(BlobChunk::Bytes(bytes))) => {
                        received += bytes.len() as u64;
                        assert_eq!(received, stream.position());
                    }
                    Ok(Some(BlobChunk::Retrying { reason, .. })) => {
                        assert!(!reason.contains(PASSWORD), "{reason}");
                    }
                    Ok(None) => break assert_eq!(received, descriptor.size),
                    Err(error) => break refused(&error),
                }
            }
            assert!(received <= descriptor.size);
        }
    }
}

fn refused(error: &RegistryError) {
    assert_hides(error, PASSWORD);
}

/// The login goes to the registry and to the token server that it names; a token that was issued for it goes
/// to the registry alone. Where another server sends a request, neither goes.
fn secrets_stay(servers: &Servers) {
    let asked = servers.asked();
    let basic = Credentials::new("user", PASSWORD).to_basic();
    let has_login = |asked: &Asked| {
        let request = &asked.request;
        let authorization = request.authorization().unwrap_or_default();
        authorization.contains(basic.expose_secret()) || request.text().contains(PASSWORD)
    };
    let issued = |token: &str, with_login: bool| {
        let mut answers = asked.iter().filter(|asked| has_login(asked) == with_login);
        answers.any(|asked| asked.reply.contains(token))
    };
    let mut sent_to = String::new();
    let mut is_trusted = false;
    // An answer may choose an address with these very words.
    let is_theirs = asked.iter().any(|asked| asked.reply.contains(PASSWORD));
    for asked in &asked {
        let request = &asked.request;
        let line = request.line();
        assert!(is_theirs || !line.contains(PASSWORD), "{line}");
        let bearer = request.authorization().unwrap_or_default();
        let bearer = bearer.strip_prefix("Bearer ");
        let is_ours = bearer.is_some_and(|token| issued(token, true) && !issued(token, false));
        let is_for_token = request.query.contains("scope=") || request.text().contains("scope=");
        if asked.is_other {
            assert!(!is_ours, "a token went to another server: {line}");
            // A token server may send a request for a token on, within itself.
            is_trusted = has_login(asked) && (is_for_token || is_trusted);
            assert!(
                !has_login(asked) || is_trusted,
                "the login went to another server: {line}"
            );
        } else if sent_to == line {
            let is_free = !is_ours && (!has_login(asked) || is_for_token);
            assert!(is_free, "another server sent the secret: {line}");
        }
        // Where another server sends the next request, if it sends it here.
        let here = format!("http://{}", servers.registry.host());
        let is_redirect = asked.is_other && asked.reply.starts_with('3');
        let location = asked
            .reply
            .lines()
            .find_map(|line| line.strip_prefix("location: "));
        let path = location.and_then(|location| location.strip_prefix(&*here));
        sent_to = path
            .filter(|_| is_redirect)
            .map_or_else(String::new, |path| format!("{} {path}", request.method));
    }
}

const CONTENT: &[u8] = b"the content of a blob";
const PASSWORD: &str = "pa55word-of-the-image";
