//! The servers of an explanation as text: where they are configured, and what each was asked.

use regcred_registry::{OfferedLogin, ServerReport};

use super::explanation::{HostsReport, Trial};
use crate::table::{TextTable, Tone};

impl HostsReport {
    /// Adds the section. `needed` is the capability for the image's tag or digest.
    pub(super) fn render(&self, table: &mut TextTable, needed: &str) {
        table.line(0, "");
        match &self.file {
            Some(file) => table.line(0, format_args!("4. servers: {}", file.display())),
            None => table.line(0, "4. servers: no hosts.toml"),
        }
        if let Some(error) = &self.error {
            table.toned(Tone::Bad, 1, format_args!("error: {error}"));
        }
        for warning in &self.warnings {
            table.toned(Tone::Doubtful, 1, format_args!("warning: {warning}"));
        }
        let row = |server: &ServerReport| {
            let login = if server.capabilities.contains(&needed) {
                offered(&server.login)
            } else {
                format!("not asked: it has no capability {needed}")
            };
            vec![server.url.clone(), role(server), login]
        };
        table.rows(1, &self.servers.iter().map(row).collect::<Vec<_>>());
    }
}

impl Trial {
    /// Adds a line for each server, if there are several.
    pub(super) fn render(&self, table: &mut TextTable, depth: usize) {
        let tone = match self.result {
            Ok(_) => Tone::Good,
            Err(_) => Tone::Bad,
        };
        table.toned(tone, depth, self);
        if self.servers.len() > 1 {
            let rows: Vec<_> = self.servers.iter().map(asked).collect();
            table.rows(depth + 1, &rows);
        }
    }
}

fn role(server: &ServerReport) -> String {
    let role = if server.is_mirror {
        "mirror"
    } else {
        "registry"
    };
    if server.only_for_plain {
        format!("{role}, if it does not speak TLS")
    } else {
        role.to_owned()
    }
}

fn offered(login: &OfferedLogin) -> String {
    match login {
        OfferedLogin::Own(label) => format!("gets its own login: {label}"),
        OfferedLogin::Withheld => "does not get the image's credential".to_owned(),
        _ => "gets the image's credential".to_owned(),
    }
}

fn asked(server: &ServerReport) -> Vec<String> {
    let head = [server.url.clone(), role(server)];
    let Some(exchange) = &server.asked else {
        return [&head[..], &["not asked".to_owned()]].concat();
    };
    let images = exchange
        .image_login_sent
        .then(|| "the image's credential".to_owned());
    let logins: Vec<_> = images
        .into_iter()
        .chain(exchange.host_logins.clone())
        .collect();
    let with = if logins.is_empty() {
        "without a login".to_owned()
    } else {
        format!("with {}", logins.join(" and "))
    };
    let answer = match (&exchange.error, exchange.status) {
        (Some(error), _) => error.clone(),
        (None, status) => format!("answered {}", status.unwrap_or_default()),
    };
    [&head[..], &[exchange.request.clone(), with, answer]].concat()
}
