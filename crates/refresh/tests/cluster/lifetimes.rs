//! Logins that have expired, and clocks that are wrong.

use chrono::TimeDelta;
use regcred_refresh::Action;
use serde_json::json;

use crate::faults::{SIMPLE, all, namespaces};
use crate::observed::{has, later};
use crate::stage::{Stage, actions, config_of};

#[tokio::test]
async fn a_public_registrys_dead_login_is_taken_out() {
    let stage = Stage::fake().await;
    let names = namespaces(&stage, 1).await;
    let yaml = SIMPLE.replace("a.eu.fake.io", "public.ecr.aws");
    let plan = stage.plan(&yaml);
    stage.once(&plan).await;
    stage.cloud.fail(true);
    stage.time.on(TimeDelta::hours(8));
    assert_eq!(
        actions(&stage.once(&plan).await),
        [Action::Unchanged],
        "still good"
    );
    stage.time.on(TimeDelta::hours(8));
    assert_eq!(actions(&stage.once(&plan).await), [Action::Update]);
    let secret = stage
        .secret(&names[0], &stage.ns("pull"))
        .await
        .expect("there");
    assert_eq!(
        config_of(&secret),
        json!({"auths": {}}),
        "a pull without login works again"
    );
}

#[tokio::test]
async fn an_answer_that_has_already_expired_makes_no_hot_loop() {
    let stage = Stage::fake().await;
    stage.cloud.set_life(TimeDelta::days(-4000));
    let names = namespaces(&stage, 1).await;
    stage.time.stop();
    let daemon = stage.daemon(&stage.plan(SIMPLE)).await;
    stage
        .until("the Secret", async || has(&stage, &names[0]).await)
        .await;
    later(&stage, "later").await;
    assert_eq!(stage.cloud.calls(), 1);
    stage.time.on(TimeDelta::seconds(70));
    stage
        .until("the next", async || stage.cloud.calls() == 2)
        .await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_stops_nothing() {
    let stage = Stage::fake().await;
    stage.time.on(TimeDelta::days(300));
    let names = namespaces(&stage, 2).await;
    let daemon = stage.daemon(&stage.plan(SIMPLE)).await;
    stage.until("all", async || all(&stage, &names).await).await;
    stage.time.on(TimeDelta::days(-300));
    stage
        .until("a token of this time", async || stage.cloud.calls() == 2)
        .await;
    stage.told().remove("secrets", &names[0], &stage.ns("pull"));
    stage
        .until("all again", async || all(&stage, &names).await)
        .await;
    daemon.stop().await;
}
