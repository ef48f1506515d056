//! The machine whose kubelet is restarted.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regcred_files::{MIB, read};
use regcred_go::yaml::{Step, line_of};
use regcred_node::{Plan, Service, ServiceManager};
use regcred_run::ProgramError;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::arguments::NodeArgs;
use crate::check::NodeKubelet;

/// Sees the host's files from now on in place of the container's. This process has one thread still.
pub(super) fn enter_host() -> Result<(), ProgramError> {
    let enter = || {
        let namespace = File::open("/proc/1/ns/mnt")?;
        move_into_link_name_space(
            std::os::fd::AsFd::as_fd(&namespace),
            Some(LinkNameSpaceType::Mount),
        )?;
        std::env::set_current_dir("/")
    };
    enter().map_err(|error: std::io::Error| {
        ProgramError::not_configured(format!(
            "--host: cannot enter the host's mount namespace: {error}; the container has to be privileged, \
             and its pod to have hostPID: true"
        ))
    })
}

/// The kubelet that runs on this machine, unless it is another than the plan is for.
pub(super) fn running(args: &NodeArgs, plan: &Plan) -> Result<Option<NodeKubelet>, ProgramError> {
    if args.root.is_some() {
        return Ok(None);
    }
    let Some(kubelet) = NodeKubelet::running() else {
        return Ok(None);
    };
    let flag = "image-credential-provider-config";
    let given = kubelet.flag(flag).filter(|value| !value.is_empty());
    if let (Some(given), Some(paths)) = (given, &plan.paths)
        && Path::new(given) != paths.config
    {
        return Err(ProgramError::not_configured(format!(
            "the running kubelet has --{flag}={given}, and {} has not: restart it, or correct the unit",
            plan.unit
        )));
    }
    Ok(Some(kubelet))
}

/// How the kubelet of this machine is restarted; `None` for the files of an image.
pub(super) fn service(
    args: &NodeArgs,
    plan: &Plan,
    kubelet: Option<&NodeKubelet>,
) -> Result<Option<Service>, ProgramError> {
    if args.root.is_some() {
        return Ok(None);
    }
    // Only a unit of systemd has a suffix.
    let manager = if plan.unit.is_empty() || plan.unit.ends_with(".service") {
        program("systemctl").map(ServiceManager::Systemd)
    } else {
        program("rc-service").map(ServiceManager::OpenRc)
    };
    let manager = manager.ok_or_else(|| {
        ProgramError::not_configured(format!(
            "cannot find systemctl, or rc-service where OpenRC starts services, in {}: name the file system \
             of an image with --root",
            PROGRAMS.join(", ")
        ))
    })?;
    let has_selinux = Path::new("/sys/fs/selinux/enforce").exists();
    Ok(Some(Service {
        manager,
        restorecon: program("restorecon").filter(|_| has_selinux),
        health: health(kubelet),
        wait: Duration::from_secs(args.wait),
        restart: !args.no_restart,
    }))
}

fn program(name: &str) -> Option<PathBuf> {
    let places = PROGRAMS.iter().map(|place| Path::new(place).join(name));
    places.into_iter().find(|file| file.is_file())
}

/// Where the kubelet tells its health, by its flags and its configuration; `None` if it does not.
fn health(kubelet: Option<&NodeKubelet>) -> Option<String> {
    let config = kubelet.and_then(|kubelet| Some(kubelet.seen(Path::new(kubelet.flag("config")?))));
    let config = config
        .and_then(|file| read(&file, MIB).ok())
        .unwrap_or_default();
    let flag = |name| kubelet.and_then(|kubelet: &NodeKubelet| kubelet.flag(name));
    let given =
        |name, field| flag(name).map_or_else(|| scalar(&config, field), |v| Some(v.to_owned()));
    let port = given("healthz-port", "healthzPort").and_then(|port| port.parse().ok());
    let address = given("healthz-bind-address", "healthzBindAddress");
    let address = match address.as_deref() {
        None | Some("" | "0.0.0.0") => "127.0.0.1".to_owned(),
        Some("::") => "[::1]".to_owned(),
        Some(address) if address.contains(':') => format!("[{address}]"),
        Some(address) => address.to_owned(),
    };
    match port.unwrap_or(DEFAULT_PORT) {
        0 => None,
        port => Some(format!("http://{address}:{port}/healthz")),
    }
}

/// The value of a member on its own line.
fn scalar(text: &[u8], field: &str) -> Option<String> {
    let number = line_of(text, &[Step::Member(field)])?;
    let text = std::str::from_utf8(text).ok()?;
    let line = text.lines().nth(number - 1)?;
    let (_, rest) = line.split_once(field)?;
    let value = rest
        .trim_start_matches('"')
        .trim_start()
        .strip_prefix(':')?
        .trim_start();
    let value = value.trim_start_matches(['"', '\'']);
    let end = value.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != ':');
    Some(value[..end.unwrap_or(value.len())].to_owned())
}

/// The kubelet's default.
const DEFAULT_PORT: u16 = 10248;
const PROGRAMS: [&str; 6] = [
    "/usr/bin",
    "/bin",
    "/usr/sbin",
    "/sbin",
    "/usr/local/bin",
    "/run/current-system/sw/bin",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_read_in_yaml_and_in_json() {
        let yaml = "a: 1\nhealthzBindAddress: \"::1\" # here\nhealthzPort: 10250\n";
        let json = "{\"healthzBindAddress\":\"::1\",\"healthzPort\":10250,\"x\":1}";
        for text in [yaml, json] {
            let read = |field| scalar(text.as_bytes(), field);
            assert_eq!(read("healthzPort").as_deref(), Some("10250"), "{text}");
            assert_eq!(read("healthzBindAddress").as_deref(), Some("::1"), "{text}");
            assert_eq!(read("other"), None, "{text}");
        }
        assert_eq!(
            health(None).as_deref(),
            Some("http://127.0.0.1:10248/healthz")
        );
    }
}
