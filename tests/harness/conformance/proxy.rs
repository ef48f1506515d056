//! A proxy on the way to the cloud: every face names it when it fails, and never its login.

use super::{CANARY, Plugin, request};
use crate::ClosedPort;

pub(super) fn check(plugin: &Plugin<'_>) {
    let public = plugin.cloud.public();
    if public.is_empty() {
        return; // A server of the machine's link is never asked through a proxy.
    }
    let closed = ClosedPort::take();
    let proxy = closed.authority();
    let start = || {
        let start = plugin.start();
        let start = start.env("HTTPS_PROXY", format!("http://alice:{CANARY}@{proxy}"));
        let elsewhere = |name: &&str| ((*name).to_owned(), "https://cloud.invalid".to_owned());
        start.envs(public.iter().map(elsewhere))
    };
    let expected = format!("cannot connect to the proxy {proxy} (HTTPS_PROXY): Connection refused");
    let request = request("v1", plugin.cloud.image()).to_string();
    let kubelet = plugin.run(start().stdin(request));
    let token = start().args(["token", plugin.host()]).run();
    for done in [kubelet, token] {
        let error = done.fails(7);
        assert!(error.contains(&expected), "{error}");
        plugin.assert_no_secret(error);
    }
    let docker = start().args(["docker", "get"]).stdin(plugin.host()).run();
    let error = docker.stdout();
    assert!(error.contains(&expected), "{error}");
    plugin.assert_no_secret(&error);
}
