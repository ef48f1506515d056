//! What the region knows: its CA, the keys of its principals, the sessions and tokens it issued.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    PKCS_RSA_SHA256,
};
use regcred_core::Clock;
use ring::hmac;
use ring::signature::{KeyPair as _, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::metadata::Mood;
use super::signature::{self, Signed};
use super::{RESOURCE_KEY, USER_FINGERPRINT, USER_KEY};
use crate::Logins;
use crate::cloud::Trouble;
use crate::seeded::Seeded;
use crate::server::{Seen, lock};

pub(super) struct Authority {
    pub(super) logins: Logins,
    /// The instance's certificate, the one that issued it, and an older one of the instance.
    pub(super) leaf: Issued,
    pub(super) intermediate: String,
    state: Mutex<State>,
}

/// A certificate with its fingerprints' and its key's bytes.
pub(super) struct Issued {
    pub(super) pem: String,
    pub(super) der: Vec<u8>,
    pub(super) public_key: Vec<u8>,
}

struct State {
    random: Seeded,
    /// Session tokens: who, and the PKCS#1 key that signs.
    sessions: BTreeMap<String, (String, Vec<u8>)>,
    /// Registry tokens: who asked, and whether they open anything.
    tokens: BTreeMap<String, (String, bool)>,
    /// Signatures that were answered.
    used: BTreeSet<String>,
    mood: Mood,
    throttled: usize,
    authorised: bool,
    trouble: Option<Trouble>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a P-256 key");
        let ca = CertifiedIssuer::self_signed(params, key).expect("a CA certificate");

        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, INSTANCE);
        name.push(DnType::OrganizationalUnitName, "opc-certtype:instance");
        // rcgen keeps one value for each type; the same one by its number is another to it.
        let unit = DnType::CustomDnType(vec![2, 5, 4, 11]);
        name.push(unit, format!("opc-tenant:{TENANCY}"));
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name = name;
        let der = PrivateKeyDer::from_pem_slice(LEAF_KEY.as_bytes()).expect("a key");
        let key = KeyPair::from_der_and_sign_algo(&der, &PKCS_RSA_SHA256).expect("an RSA key");
        let leaf = params.signed_by(&key, &ca).expect("a certificate");
        Self {
            logins: Logins::new(),
            leaf: Issued {
                pem: leaf.pem(),
                der: leaf.der().to_vec(),
                public_key: public_key(LEAF_KEY),
            },
            intermediate: ca.pem(),
            state: Mutex::new(State {
                random: Seeded::new(0x0c1),
                sessions: BTreeMap::new(),
                tokens: BTreeMap::new(),
                used: BTreeSet::new(),
                mood: Mood::Sound,
                throttled: 0,
                authorised: true,
                trouble: None,
            }),
        }
    }

    /// Verifies a request by whoever may sign one, and says who that is.
    pub(super) fn authenticate(&self, request: &Seen, needed: &[&str]) -> Result<String, String> {
        let signed = signature::read(request, needed, now())?;
        let (who, key) = self.key_of(&signed.key_id)?;
        signature::verify(request, &signed, &key)?;
        let who = match request.header("opc-obo-token") {
            None => who,
            Some(token) if token != super::DELEGATION => return Err("another user".to_owned()),
            Some(_) if signed.headers.iter().all(|name| name != "opc-obo-token") => {
                return Err("the delegation token is not signed".to_owned());
            }
            Some(_) => format!("{who} for user"),
        };
        Ok(who)
    }

    /// Verifies the federation call's signature with the certificate's own key.
    pub(super) fn authenticate_leaf(&self, request: &Seen) -> Result<String, String> {
        let signed = signature::read(request, signature::OF_FEDERATION, now())?;
        let colons = |bytes: &[u8], upper: bool| {
            let pairs = bytes.iter().map(|b| match upper {
                true => format!("{b:02X}"),
                false => format!("{b:02x}"),
            });
            pairs.collect::<Vec<_>>().join(":")
        };
        let digest = |algorithm| ring::digest::digest(algorithm, &self.leaf.der);
        let sha256 = colons(digest(&ring::digest::SHA256).as_ref(), false);
        let sha1 = digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
        let algorithm = match signed.key_id.as_str() {
            id if id == format!("{TENANCY}/fed-x509-sha256/{sha256}") => "SHA256",
            id if id == format!("{TENANCY}/fed-x509/{}", colons(sha1.as_ref(), true)) => "",
            _ => return Err("no certificate of that tenancy and fingerprint".to_owned()),
        };
        signature::verify(request, &signed, &self.leaf.public_key)?;
        self.use_once(&signed)?;
        Ok(algorithm.to_owned())
    }

    /// A session of that principal for a public key in X.509 form and base64.
    pub(super) fn issue_session(&self, who: &str, public_key: &str) -> Result<String, String> {
        let der = STANDARD
            .decode(public_key)
            .map_err(|_| "the public key is not base64")?;
        let key = pkcs1_of(&der).ok_or("the public key is not an RSA key of 2048 bits")?;
        Ok(self.add_session(who, key))
    }

    pub(super) fn session_of_user(&self) -> String {
        self.add_session("user by session", public_key(USER_KEY))
    }

    pub(super) fn session_of_resource(&self) -> String {
        self.add_session("resource", public_key(RESOURCE_KEY))
    }

    /// A registry token for that principal.
    pub(super) fn issue_token(&self, who: &str) -> String {
        let mut state = lock(&self.state);
        let secret = state.random.word(700);
        let token = jwt(&json!({"sub": who, "exp": now().timestamp() + 3600, "jti": secret}));
        let authorised = state.authorised;
        state
            .tokens
            .insert(token.clone(), (who.to_owned(), authorised));
        if authorised {
            self.logins.add("BEARER_TOKEN", &token);
        }
        token
    }

    /// Whether a registry token opens anything; `None` for one that was not issued.
    pub(super) fn opens(&self, token: &str) -> Option<bool> {
        lock(&self.state).tokens.get(token).map(|(_, opens)| *opens)
    }

    pub(super) fn owner(&self, token: &str) -> Option<String> {
        lock(&self.state)
            .tokens
            .get(token)
            .map(|(who, _)| who.clone())
    }

    pub(super) fn secrets(&self) -> Vec<String> {
        let state = lock(&self.state);
        let tokens = state.tokens.keys().chain(state.sessions.keys());
        tokens.cloned().chain(self.logins.passwords()).collect()
    }

    pub(super) fn end_sessions(&self) {
        lock(&self.state)
            .sessions
            .retain(|_, (who, _)| who == "user by session");
    }

    pub(super) fn mood(&self) -> Mood {
        let mut state = lock(&self.state);
        let mood = state.mood;
        state.mood = mood.after_one();
        mood
    }

    pub(super) fn set_mood(&self, mood: Mood) {
        lock(&self.state).mood = mood;
    }

    pub(super) fn throttle(&self, calls: usize) {
        lock(&self.state).throttled = calls;
    }

    pub(super) fn set_authorised(&self, authorised: bool) {
        lock(&self.state).authorised = authorised;
    }

    pub(super) fn trouble(&self) -> Option<Trouble> {
        lock(&self.state).trouble
    }

    pub(super) fn set_trouble(&self, trouble: Trouble) {
        lock(&self.state).trouble = Some(trouble);
    }

    /// Whether this call is one of those to be throttled.
    pub(super) fn is_throttled(&self) -> bool {
        let mut state = lock(&self.state);
        let left = state.throttled;
        state.throttled = left.saturating_sub(1);
        left > 0
    }

    fn add_session(&self, who: &str, key: Vec<u8>) -> String {
        let mut state = lock(&self.state);
        let secret = state.random.word(300);
        let now = now().timestamp();
        let claims = json!({"sub": who, "iat": now, "exp": now + 1200, "jti": secret});
        let token = jwt(&claims);
        state.sessions.insert(token.clone(), (who.to_owned(), key));
        token
    }

    fn key_of(&self, key_id: &str) -> Result<(String, Vec<u8>), String> {
        if let Some(token) = key_id.strip_prefix("ST$") {
            let state = lock(&self.state);
            return state
                .sessions
                .get(token)
                .cloned()
                .ok_or("no such session".to_owned());
        }
        if key_id == format!("{TENANCY}/{USER}/{USER_FINGERPRINT}") {
            return Ok(("user".to_owned(), public_key(USER_KEY)));
        }
        let resources = [
            format!("resource/v2.1/{RESOURCE}"),
            format!("resource/v2.1.1/{TENANCY}/{RESOURCE}"),
            format!("resource/v2.1.2/{TENANCY}/{RESOURCE}"),
        ];
        match resources.iter().any(|id| id == key_id) {
            true => Ok(("resource's key".to_owned(), public_key(RESOURCE_KEY))),
            false => Err("no such key".to_owned()),
        }
    }

    /// A federation call has a new key in its body each time, so its signature comes once. Others
    /// may well be the same within one second, which is not a replay.
    fn use_once(&self, signed: &Signed) -> Result<(), String> {
        match lock(&self.state).used.insert(signed.signature.clone()) {
            true => Ok(()),
            false => Err("this request was answered before".to_owned()),
        }
    }
}

/// A service account token of the cluster: audience, and seconds from now to its end.
#[must_use]
pub fn service_account_token(audience: &str, ends_in: i64) -> String {
    let now = now().timestamp();
    jwt(&json!({
        "iss": "https://cluster.test", "aud": [audience], "sub": SERVICE_ACCOUNT,
        "iat": now + ends_in - 3600, "exp": now + ends_in,
    }))
}

/// The claims of a token of this region, if it is one and alive.
pub(super) fn claims(token: &str) -> Option<Value> {
    let (signed, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    hmac::verify(&hmac_key(), signed.as_bytes(), &signature).ok()?;
    let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.')?.1).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    (claims["exp"].as_i64()? > now().timestamp()).then_some(claims)
}

/// Claims with the region's signature.
pub(super) fn signed(claims: &Value) -> String {
    jwt(claims)
}

fn jwt(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "HS256"})), part(claims));
    let signature = hmac::sign(&hmac_key(), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn hmac_key() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, b"the key of this fake")
}

/// The public half of a private key, in PKCS#1 form.
fn public_key(pem: &str) -> Vec<u8> {
    let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).expect("a key");
    let key = RsaKeyPair::from_pkcs8(der.secret_der()).expect("an RSA key");
    key.public_key().as_ref().to_vec()
}

/// The PKCS#1 key in the X.509 form of a 2048-bit RSA key, whose frame has a fixed length.
fn pkcs1_of(der: &[u8]) -> Option<Vec<u8>> {
    const FRAME: [u8; 24] = [
        0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,
        0x01, 0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00,
    ];
    let key = der.strip_prefix(&FRAME)?;
    (key.len() == 270).then(|| key.to_vec())
}

fn now() -> DateTime<Utc> {
    Clock::system().now()
}

/// The tenancy of everything here.
pub const TENANCY: &str = "ocid1.tenancy.oc1..aaaaaaaatenancyofatest";
/// Its one user.
pub const USER: &str = "ocid1.user.oc1..aaaaaaaauserofatest";
/// Its one instance.
pub const INSTANCE: &str = "ocid1.instance.oc1.phx.aaaaaaaainstanceofatest";
/// The resource that versions 2.1 of resource principals speak of.
pub(super) const RESOURCE: &str = "ocid1.thing.oc1..aaaaaaaathing";
pub(super) const SERVICE_ACCOUNT: &str = "system:serviceaccount:shop:puller";
pub(super) const LEAF_KEY: &str = include_str!("leaf.pem");
