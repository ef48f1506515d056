//! The faults of a server: the columns of the matrix.

use regcred_tests::server::Reply;

/// What goes wrong at the server of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing listens at the port.
    Refused,
    /// Nothing listens at the proxy's port.
    ProxyClosed,
    /// The proxy does not connect to the server.
    ProxyRefuses,
    /// The connection is reset in the middle of the body.
    Reset,
    /// The connection is closed without an answer.
    HangUp,
    /// The server of an https address speaks plain http.
    PlainHttp,
    /// Its certificate has another name.
    OtherName,
    /// Its certificate is of an authority that is not trusted.
    UnknownAuthority,
    /// The file of trusted roots that is named does not exist.
    RootsNotFound,
    /// The file of trusted roots that is named is empty.
    RootsEmpty,
    /// A redirect to another host.
    Redirect(u16),
    /// A refusal without a body.
    Status(u16),
    /// A page of HTML with status 200.
    WebPage,
    /// Half of a JSON document.
    CutJson,
    /// The connection is closed before the announced length.
    CutBody,
    /// 100 MB.
    Huge,
    /// Bytes that are not UTF-8.
    NotUtf8,
}

/// The columns, in the order of [`Step::outcomes`](super::step::Step::outcomes).
pub(super) const FAULTS: [Fault; 24] = [
    Fault::Refused,
    Fault::ProxyClosed,
    Fault::ProxyRefuses,
    Fault::Reset,
    Fault::HangUp,
    Fault::PlainHttp,
    Fault::OtherName,
    Fault::UnknownAuthority,
    Fault::RootsNotFound,
    Fault::RootsEmpty,
    Fault::Redirect(302),
    Fault::Redirect(307),
    Fault::Status(400),
    Fault::Status(401),
    Fault::Status(403),
    Fault::Status(404),
    Fault::Status(429),
    Fault::Status(500),
    Fault::Status(503),
    Fault::WebPage,
    Fault::CutJson,
    Fault::CutBody,
    Fault::Huge,
    Fault::NotUtf8,
];

impl Fault {
    /// Whether it is one of the proxy on the way to the server.
    pub(super) fn is_of_proxy(self) -> bool {
        matches!(self, Self::ProxyClosed | Self::ProxyRefuses)
    }

    /// Whether it is one of TLS.
    pub(super) fn is_of_tls(self) -> bool {
        matches!(
            self,
            Self::PlainHttp
                | Self::OtherName
                | Self::UnknownAuthority
                | Self::RootsNotFound
                | Self::RootsEmpty
        )
    }

    /// Whether it is one of the trusted roots.
    pub(super) fn is_of_roots(self) -> bool {
        matches!(self, Self::RootsNotFound | Self::RootsEmpty)
    }

    /// Whether the server refuses the identity.
    pub(super) fn is_refusal(self) -> bool {
        matches!(self, Self::Status(401 | 403))
    }

    /// Whether it is tried through every face, and not through the kubelet's alone.
    pub(super) fn is_for_every_face(self) -> bool {
        matches!(
            self,
            Self::Refused | Self::ProxyClosed | Self::Status(403) | Self::WebPage
        )
    }

    /// Words of which the line has one in the place of the answer.
    pub(super) fn answers(self) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Refused => &["Connection refused"],
            Self::ProxyClosed => &["cannot connect to the proxy 127.0.0.1:"],
            Self::ProxyRefuses => &["did not connect to cloud.invalid"],
            Self::Reset | Self::HangUp | Self::CutBody => &["the connection broke"],
            Self::PlainHttp => &["TLS failed"],
            Self::OtherName | Self::UnknownAuthority => {
                &["the server's certificate is not trusted"]
            }
            Self::RootsNotFound => &["cannot read the CA bundle "],
            Self::RootsEmpty => &["has no usable PEM certificate"],
            Self::Redirect(status) | Self::Status(status) => {
                let forms = ["answered", "status", "HTTP", "code:"];
                let mut words = forms.map(|form| format!("{form} {status}")).to_vec();
                // What a metadata server of EC2 means by it.
                if status == 404 {
                    words.push("the instance has no IAM role".to_owned());
                }
                return words;
            }
            Self::Huge => &["the response is longer than "],
            Self::WebPage | Self::CutJson | Self::NotUtf8 => UNREADABLE,
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// What the server sends.
    pub(super) fn reply(self, elsewhere: &str) -> Reply {
        match self {
            Self::Status(status) => Reply::new(status).header("retry-after", "0"),
            Self::Redirect(status) => Reply::new(status).header("location", elsewhere),
            Self::WebPage => Reply::typed(200, "text/html", "<html>log in</html>"),
            Self::Reset => json(HALF).reset(10),
            Self::CutBody => json(HALF).cut(10),
            Self::HangUp => Reply::hang_up(),
            Self::Huge => json("").flood(100_000_000),
            Self::NotUtf8 => json(&b"{\"access_token\":\"\xff\xfe\",\"token\":\"\xff\"}"[..]),
            _ => json(HALF),
        }
    }
}

fn json(body: impl Into<Vec<u8>>) -> Reply {
    Reply::typed(200, "application/json", body)
}

const HALF: &str = "{\"access_token\":\"abc";

/// What the servers' answers are not.
const UNREADABLE: &[&str] = &[
    "the response is not a JSON object",
    "the response cannot be read",
    "the response is a web page",
    "the response is not the expected JSON",
    "its region is not a region",
    "its response has no access token",
    "the response is not a metadata token",
    "the response is not the name of a role",
    "the response is not UTF-8 text",
    "certificate is not PEM",
    "its response is not base64 of a token",
    // Words of AWS's SDK.
    "invalid JSON in response",
    "returned invalid UTF-8",
];
