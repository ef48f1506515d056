//! The refresher against a cluster: a fake one, or, with `--ignored` and `REGCRED_TEST_KUBECONFIG`,
//! a real one. See docs/refresh.md, "Testing against a real API server".

#[path = "cluster/always_pull.rs"]
mod always_pull;
#[path = "cluster/applied.rs"]
mod applied;
#[path = "cluster/broken_watches.rs"]
mod broken_watches;
#[path = "cluster/cloud.rs"]
mod cloud;
#[path = "cluster/daemon.rs"]
mod daemon;
#[path = "cluster/faults.rs"]
mod faults;
#[path = "cluster/leadership.rs"]
mod leadership;
#[path = "cluster/lifetimes.rs"]
mod lifetimes;
#[path = "cluster/manifests.rs"]
mod manifests;
#[path = "cluster/observed.rs"]
mod observed;
#[path = "cluster/once.rs"]
mod once;
#[path = "cluster/ownership.rs"]
mod ownership;
#[path = "cluster/pod.rs"]
mod pod;
#[path = "cluster/proxy.rs"]
mod proxy;
#[path = "cluster/pull_secret.rs"]
mod pull_secret;
#[path = "cluster/raw.rs"]
mod raw;
#[path = "cluster/rights.rs"]
mod rights;
#[path = "cluster/server.rs"]
mod server;
#[path = "cluster/server_away.rs"]
mod server_away;
#[path = "cluster/shipped.rs"]
mod shipped;
#[path = "cluster/stage.rs"]
mod stage;
#[path = "cluster/tenants.rs"]
mod tenants;

/// A test against the fake, and the same against a real cluster.
macro_rules! both {
    ($($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let stage = crate::stage::Stage::fake().await;
                super::$name(&stage).await;
                stage.end().await;
            }
        )*
        mod live {
            $(
                #[tokio::test]
                #[ignore = "needs a test cluster in REGCRED_TEST_KUBECONFIG"]
                async fn $name() {
                    let stage = crate::stage::Stage::live().await;
                    super::super::$name(&stage).await;
                    stage.end().await;
                }
            )*
        }
    };
}
pub(crate) use both;
