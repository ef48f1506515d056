//! Kubernetes Events about the Secrets: few enough to be read, and none where the right to create them
//! is missing.

use chrono::{DateTime, Utc};
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::PostParams;
use regcred_core::shown;

use super::client::{Call, Cluster, json, resource, timestamp};
use super::error::ClusterErrorKind;
use crate::names::NAME;

/// The reason of an Event about a Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventReason {
    /// It was written for the first time, or again after a failure.
    Refreshed,
    /// It could not be renewed.
    RefreshFailed,
    /// Another field manager owns its fields.
    Conflict,
    /// It was not created by the refresher.
    ForeignSecret,
}

impl Cluster {
    /// Creates an Event if the budget allows it; a failure changes nothing.
    pub(crate) async fn record(
        &self,
        now: DateTime<Utc>,
        (namespace, name, uid): (&str, &str, &str),
        reason: EventReason,
        message: &str,
    ) {
        if self.dry_run || !self.events.take() {
            return;
        }
        let is_normal = reason == EventReason::Refreshed;
        let kind = if is_normal { "Normal" } else { "Warning" };
        let at = Some(Time(timestamp(now)));
        let event = Event {
            metadata: ObjectMeta {
                generate_name: Some(format!("{name:.200}.")),
                namespace: Some(namespace.to_owned()),
                ..ObjectMeta::default()
            },
            involved_object: ObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Secret".to_owned()),
                namespace: Some(namespace.to_owned()),
                name: Some(name.to_owned()),
                uid: Some(uid.to_owned()).filter(|uid| !uid.is_empty()),
                ..ObjectReference::default()
            },
            type_: Some(kind.to_owned()),
            reason: Some(format!("{reason:?}")),
            message: Some(shown(message).chars().take(900).collect()),
            source: Some(EventSource {
                component: Some(NAME.to_owned()),
                host: None,
            }),
            first_timestamp: at.clone(),
            last_timestamp: at,
            count: Some(1),
            ..Event::default()
        };
        let events = resource::<Event>(Some(namespace));
        let created = async {
            let call = Call::new(events.create(&PostParams::default(), json(&event)))?;
            self.send::<serde::de::IgnoredAny>(&call).await
        };
        if let Err(error) = created.await {
            let forbidden = error.kind == ClusterErrorKind::Forbidden;
            if forbidden && self.events.refuse() {
                tracing::info!("not allowed to create events: {error}");
            } else {
                tracing::debug!("cannot create an event: {error}");
            }
        }
    }
}
