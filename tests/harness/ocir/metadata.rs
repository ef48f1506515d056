//! The instance metadata service, version 2.

use std::sync::Arc;

use serde_json::json;

use super::authority::{Authority, INSTANCE, LEAF_KEY};
use crate::server::{Handler, Reply, Seen};

/// How the metadata server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// As it should, in region phx.
    Sound,
    /// As it should, in a region that no table knows, of realm domain `localhost`.
    NewRegion,
    /// The next so many calls get 404: the identity is not there yet.
    NotYet(usize),
    /// The next so many calls get 429.
    Throttled(usize),
    /// The next so many keys are of the certificate before: the pair is being replaced.
    Rotating(usize),
    /// It answers nothing.
    Gone,
}

impl Mood {
    /// The mood of the next call.
    pub(super) fn after_one(self) -> Self {
        match self {
            Self::NotYet(0 | 1) | Self::Throttled(0 | 1) => Self::Sound,
            Self::NotYet(left) => Self::NotYet(left - 1),
            Self::Throttled(left) => Self::Throttled(left - 1),
            other => other,
        }
    }
}

pub(super) struct Metadata(pub(super) Arc<Authority>);

impl Handler for Metadata {
    fn handle(&self, request: &Seen) -> Reply {
        if request.header("authorization") != Some("Bearer Oracle") {
            return Reply::text(401, "the header Authorization: Bearer Oracle is missing");
        }
        if request.header("x-forwarded-for").is_some() || request.method != "GET" {
            return Reply::text(403, "forbidden");
        }
        let mood = self.0.mood();
        match mood {
            Mood::NotYet(1..) => return Reply::text(404, "not found"),
            Mood::Throttled(1..) => {
                return Reply::text(429, "slow down").header("retry-after", "0");
            }
            Mood::Gone => return Reply::hang_up(),
            _ => {}
        }
        let text = |text: &str| Reply::text(200, text);
        let new = mood == Mood::NewRegion;
        match request.path.strip_prefix("/opc/v2").unwrap_or_default() {
            "/instance/region" if new => text("xx-brandnew-1"),
            "/instance/region" => text("phx\n"),
            "/instance/regionInfo" if new => Reply::json(
                200,
                &json!({
                    "realmKey": "oc99", "realmDomainComponent": "Brand.New.Cloud",
                    "regionKey": "XBN", "regionIdentifier": "xx-brandnew-1",
                }),
            ),
            "/instance/id" => text(INSTANCE),
            "/identity/cert.pem" => text(&self.0.leaf.pem),
            "/identity/key.pem" => match mood {
                Mood::Rotating(left) if left > 0 => {
                    self.0.set_mood(Mood::Rotating(left - 1));
                    text(super::RESOURCE_KEY)
                }
                _ => text(LEAF_KEY),
            },
            "/identity/intermediate.pem" => text(&self.0.intermediate),
            _ => Reply::text(404, "not found"),
        }
    }
}
