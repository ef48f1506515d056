//! containerd's configuration: 2 and later have it in one form, 1.6 and 1.7, which distributions
//! still ship, in another.

use std::path::Path;

use regcred_tests::Program;

/// Where it works, and what for.
pub(crate) struct Containerd<'a> {
    pub(crate) data: &'a Path,
    pub(crate) state: &'a Path,
    pub(crate) socket: &'a Path,
    pub(crate) hosts: &'a Path,
    /// The image that holds a pod's namespaces.
    pub(crate) pause: &'a str,
}

impl Containerd<'_> {
    /// The configuration for that program.
    pub(crate) fn config(&self, program: &Path) -> String {
        let Self { hosts, pause, .. } = self;
        let version = Program::new(program).arg("--version").run().success();
        // Without the right to lower a score below the parent's, runc fails unless the score is restricted.
        let (form, plugins) = match major(&version) {
            1 => (
                2,
                format!(
                    "[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = {pause:?}\n\
                     restrict_oom_score_adj = true\n\
                     [plugins.\"io.containerd.grpc.v1.cri\".containerd]\nsnapshotter = \"native\"\n\
                     [plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = {hosts:?}\n"
                ),
            ),
            _ => (
                3,
                format!(
                    "[plugins.'io.containerd.cri.v1.images']\nsnapshotter = 'native'\n\
                     use_local_image_pull = true\n\
                     [plugins.'io.containerd.cri.v1.images'.pinned_images]\nsandbox = {pause:?}\n\
                     [plugins.'io.containerd.cri.v1.images'.registry]\nconfig_path = {hosts:?}\n\
                     [plugins.'io.containerd.cri.v1.runtime']\nrestrict_oom_score_adj = true\n"
                ),
            ),
        };
        format!(
            "version = {form}\nroot = {:?}\nstate = {:?}\n[grpc]\naddress = {:?}\n{plugins}",
            self.data, self.state, self.socket
        )
    }
}

/// `containerd github.com/containerd/containerd v1.7.1 REVISION`, with or without the letter.
fn major(version: &str) -> u32 {
    let number = version.split_whitespace().nth(2).unwrap_or_default();
    let number = number.trim_start_matches('v').split('.').next();
    let number = number.and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("no version of containerd: {version}"))
}

#[test]
fn versions_are_read_as_distributions_print_them() {
    assert_eq!(
        major("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1"),
        1
    );
    assert_eq!(
        major("containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b71"),
        2
    );
}
