//! The service that has the kubelet: restarted, and waited for until it is healthy.

use std::path::{Path, PathBuf};
use std::time::Duration;

use regcred_core::{Env, report};
use regcred_exec::{Exec, ExecError};
use regcred_http::{Client, ClientOptions, Proxy, Request};
use tokio::time::{Instant, sleep};

use crate::error::NodeError;

/// What became of the kubelet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restarted {
    /// Nothing needed a restart.
    NotAsked,
    /// It was restarted, and is healthy.
    Healthy,
    /// It does not run, and takes the change when it starts.
    NotRunning,
    /// It was not to be restarted.
    Later,
}

/// The program that restarts services.
#[derive(Clone, Debug)]
pub enum ServiceManager {
    /// `systemctl`
    Systemd(PathBuf),
    /// `rc-service` of OpenRC, as on Alpine.
    OpenRc(PathBuf),
}

/// How a service of this machine is restarted.
#[derive(Clone, Debug)]
pub struct Service {
    /// The program that restarts it.
    pub manager: ServiceManager,
    /// The program `restorecon`, where SELinux decides what may be executed.
    pub restorecon: Option<PathBuf>,
    /// The kubelet's health as a URL; `None` if it has none.
    pub health: Option<String>,
    /// How long a kubelet has to become healthy.
    pub wait: Duration,
    /// Whether it is restarted at all.
    pub restart: bool,
}

impl ServiceManager {
    /// Where the log of a service is.
    fn log_of(&self, unit: &str) -> String {
        match self {
            Self::Systemd(_) => format!("`journalctl -u {unit}` shows its log"),
            Self::OpenRc(_) => format!("its log is /var/log/{unit}.log"),
        }
    }
}

impl Service {
    /// Restarts a unit that runs, and waits until its kubelet is healthy.
    pub(crate) async fn restart(&self, unit: &str, reload: bool) -> Result<Restarted, NodeError> {
        if let (ServiceManager::Systemd(systemctl), true) = (&self.manager, reload) {
            self.run(systemctl, &["daemon-reload"]).await?;
        }
        if !self.restart {
            return Ok(Restarted::Later);
        }
        if self.state(unit).await? != ACTIVE {
            return Ok(Restarted::NotRunning);
        }
        let end = Instant::now() + self.wait;
        match &self.manager {
            ServiceManager::Systemd(systemctl) => self.run(systemctl, &["restart", unit]).await?,
            ServiceManager::OpenRc(rc_service) => self.run(rc_service, &[unit, "restart"]).await?,
        };
        let client = self.client()?;
        let mut healthy_since = None;
        loop {
            let why = self.trouble(unit, client.as_ref()).await?;
            let now = Instant::now();
            let since = match why {
                None => *healthy_since.get_or_insert(now),
                Some(_) => {
                    healthy_since = None;
                    now
                }
            };
            let steady = if client.is_some() {
                STEADY
            } else {
                STEADY_UNSEEN
            };
            if why.is_none() && now - since >= steady.min(self.wait / 2) {
                return Ok(Restarted::Healthy);
            }
            if let (Some(why), true) = (why, now >= end) {
                return Err(NodeError::Service(format!(
                    "{unit} is not healthy {} s after its restart: {why}; {}",
                    self.wait.as_secs(),
                    self.manager.log_of(unit)
                )));
            }
            sleep(PAUSE).await;
        }
    }

    /// Why the kubelet is not healthy.
    async fn trouble(
        &self,
        unit: &str,
        client: Option<&Client>,
    ) -> Result<Option<String>, NodeError> {
        let state = self.state(unit).await?;
        if state != ACTIVE {
            return Ok(Some(format!("it is {state}")));
        }
        let (Some(client), Some(url)) = (client, &self.health) else {
            return Ok(None);
        };
        let request = Request::get(url).timeout(ASK);
        Ok(match client.send(request).await {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("{url} answers {}", response.status().as_u16())),
            Err(error) => Some(report(&error)),
        })
    }

    fn client(&self) -> Result<Option<Client>, NodeError> {
        let options = ClientOptions {
            proxy: Proxy::None,
            ..ClientOptions::new(&Env::default())
        };
        let client = self
            .health
            .as_ref()
            .map(|_| Client::new(options))
            .transpose();
        client.map_err(|error| NodeError::Service(report(&error)))
    }

    /// `active`, `inactive`, `failed`, `activating` ...
    async fn state(&self, unit: &str) -> Result<String, NodeError> {
        let (program, args) = match &self.manager {
            ServiceManager::Systemd(systemctl) => {
                (systemctl, vec!["show", "--property=ActiveState", unit])
            }
            ServiceManager::OpenRc(rc_service) => (rc_service, vec![unit, "status"]),
        };
        let ended = self.exec(program, &args).run().await;
        let state = match (&self.manager, ended) {
            (ServiceManager::Systemd(_), Ok(output)) => {
                let shown = String::from_utf8_lossy(&output.stdout).into_owned();
                let state = shown.trim().strip_prefix("ActiveState=");
                state.unwrap_or("in an unknown state").to_owned()
            }
            (ServiceManager::OpenRc(_), Ok(_)) => ACTIVE.to_owned(),
            // openrc-run(8): the exit status tells the state.
            (ServiceManager::OpenRc(_), Err(ExecError::Status { status, .. })) => {
                let known = OPENRC_STATES.iter();
                let mut known = known.filter(|(ended, _)| status == *ended);
                let state = known
                    .next()
                    .map_or("in an unknown state", |(_, state)| state);
                state.to_owned()
            }
            (_, Err(error)) => return Err(NodeError::Service(report(&error))),
        };
        Ok(state)
    }

    fn exec(&self, program: &Path, args: &[&str]) -> Exec {
        let exec = Exec::new(program).args(args.iter().copied());
        exec.deadline(self.wait)
    }

    async fn run(&self, program: &Path, args: &[&str]) -> Result<(), NodeError> {
        let ended = self.exec(program, args).run().await;
        ended
            .map(drop)
            .map_err(|error| NodeError::Service(report(&error)))
    }

    /// Gives plugins the SELinux type that the policy has for their place.
    pub(crate) async fn relabel(
        &self,
        plugins: impl Iterator<Item = PathBuf>,
    ) -> Result<(), NodeError> {
        let plugins: Vec<_> = plugins.collect();
        let Some(restorecon) = self.restorecon.as_ref().filter(|_| !plugins.is_empty()) else {
            return Ok(());
        };
        let done = Exec::new(restorecon).args(plugins).run().await;
        done.map(drop)
            .map_err(|error| NodeError::Service(report(&error)))
    }

    /// Starts each plugin once, as the kubelet will.
    pub(crate) async fn try_plugins(
        &self,
        plugins: impl Iterator<Item = PathBuf>,
    ) -> Result<(), NodeError> {
        for plugin in plugins {
            try_plugin(&plugin).await?;
        }
        Ok(())
    }
}

async fn try_plugin(plugin: &Path) -> Result<(), NodeError> {
    let done = Exec::new(plugin)
        .args(["--version"])
        .deadline(TRY)
        .run()
        .await;
    done.map(drop).map_err(|error| {
        NodeError::Service(format!(
            "this node does not run the plugin: {}",
            report(&error)
        ))
    })
}

const ACTIVE: &str = "active";
const OPENRC_STATES: [(&str, &str); 5] = [
    ("exit status 3", "stopped"),
    ("exit status 4", "stopping"),
    ("exit status 8", "starting"),
    ("exit status 16", "inactive"),
    ("exit status 32", "crashed"),
];
/// How long a kubelet stays healthy before that is believed.
const STEADY: Duration = Duration::from_secs(3);
/// The same, where only systemd is asked: a kubelet that exits at its start does so within seconds.
const STEADY_UNSEEN: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(200);
const ASK: Duration = Duration::from_secs(5);
const TRY: Duration = Duration::from_secs(20);
