//! The flags on a kubelet's command line.

use std::collections::BTreeMap;
use std::path::Path;

/// The flags that the kubelet of a command line gets, as `--name=value` and `--name value`; the last of a
/// name counts. A distribution passes on those of `--kubelet-arg` (k3s, RKE2) and `--kubelet-extra-args`
/// (k0s), which count more than its own flags for its kubelet; its other flags are not the kubelet's.
#[must_use]
pub fn kubelet_flags<'a>(args: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, String> {
    let (mut own, mut passed_on) = (BTreeMap::new(), BTreeMap::new());
    let mut args = args.into_iter().peekable();
    let program = args.peek().map(Path::new).and_then(Path::file_name);
    let is_distribution = program.is_some_and(|name| DISTRIBUTIONS.iter().any(|one| name == *one));
    while let Some(arg) = args.next() {
        let Some(name) = arg.strip_prefix('-') else {
            continue;
        };
        let name = name.trim_start_matches('-');
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => {
                let value = args.next_if(|next| !next.starts_with('-'));
                (name, value.unwrap_or_default().to_owned())
            }
        };
        match name {
            "kubelet-arg" => passed_on.extend(kubelet_flags([&*format!(
                "--{}",
                value.trim_start_matches('-')
            )])),
            "kubelet-extra-args" => passed_on.extend(kubelet_flags(value.split_whitespace())),
            "kubelet-root-dir" => drop(own.insert("root-dir".to_owned(), value)),
            _ if is_distribution && !name.starts_with("image-credential-provider-") => {}
            _ => drop(own.insert(name.to_owned(), value)),
        }
    }
    own.extend(passed_on);
    own
}

/// Programs that contain a kubelet, or start one, and have flags of other meanings.
const DISTRIBUTIONS: [&str; 4] = ["k3s", "rke2", "k0s", "microshift"];

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<'a>(args: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let found = kubelet_flags(args).into_iter();
        found
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }

    #[test]
    fn of_a_flag_that_is_given_twice_the_last_counts() {
        let found = shown(["kubelet", "--a=1", "-v", "2", "--b", "--a", "x", "--c=d=e"]);
        assert_eq!(found, ["a=x", "b=", "c=d=e", "v=2"]);
    }

    #[test]
    fn flags_that_a_distribution_passes_on_are_the_kubelets() {
        let found = shown(["k3s", "server", "--kubelet-arg", "a=1", "--kubelet-arg=b=2"]);
        assert_eq!(found, ["a=1", "b=2"]);
        let found = shown(["k0s", "worker", "--kubelet-extra-args=--a=1 --b 2"]);
        assert_eq!(found, ["a=1", "b=2"]);
    }

    #[test]
    fn a_flag_that_is_passed_on_counts_more_and_others_of_the_distribution_are_not_the_kubelets() {
        let own =
            "--image-credential-provider-config=/own --config=/etc/rancher/k3s/x.yaml -d /data";
        let line =
            format!("/usr/bin/k3s server --kubelet-arg=image-credential-provider-config=/c {own}");
        assert_eq!(
            shown(line.split(' ')),
            ["image-credential-provider-config=/c"]
        );
        let line = "k0s worker --data-dir=/d --kubelet-root-dir=/k --config=/etc/k0s.yaml";
        assert_eq!(shown(line.split(' ')), ["root-dir=/k"]);
    }
}
