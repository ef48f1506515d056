//! The flags on a kubelet's command line.

use std::collections::BTreeMap;

/// Flags as `--name=value` and `--name value`; the last of a name counts. Those that a distribution passes
/// on to its kubelet (`--kubelet-arg` of k3s, `--kubelet-extra-args` of k0s) are flags as well.
#[must_use]
pub fn kubelet_flags<'a>(args: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut args = args.into_iter().peekable();
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
            "kubelet-arg" => found.extend(kubelet_flags([&*format!("--{value}")])),
            "kubelet-extra-args" => found.extend(kubelet_flags(value.split_whitespace())),
            _ => drop(found.insert(name.to_owned(), value)),
        }
    }
    found
}

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
}
