//! What no single setting can know: settings that contradict each other, and settings that this
//! build cannot honour yet. Nothing that was asked for is ignored in silence.

use super::Config;
use super::value::is_loopback;

/// Contradictions: the node does not start.
pub(super) fn problems(config: &Config) -> Vec<String> {
    let mut found = Vec::new();
    if config.peer.secret.is_empty() && !is_loopback(&config.peer.bind) {
        found.push(format!(
            "peer.secret: must be set when peer.bind = {} is not on loopback: whoever reaches the \
             peer port of a cluster without a secret may read and write everything",
            config.peer.bind
        ));
    }
    if config.peer_port().is_none() && !config.peer.seeds.is_empty() {
        found.push(format!(
            "peer.port = 0: client.port = {} + 10000 is no port; name one",
            config.client.port
        ));
    }
    let cluster = &config.cluster;
    for (name, value) in [("r", cluster.r), ("w", cluster.w)] {
        if value > cluster.n {
            let n = cluster.n;
            found.push(format!(
                "cluster.{name} = {value}: must be at most cluster.n = {n}"
            ));
        }
    }
    if cluster.dw > cluster.w {
        let (dw, w) = (cluster.dw, cluster.w);
        found.push(format!(
            "cluster.dw = {dw}: must be at most cluster.w = {w}"
        ));
    }
    if config.http.enabled {
        match config.http_port() {
            None => found.push(format!(
                "http.port = 0: client.port = {} + 2000 is no port; name one, or set \
                 http.enabled = false",
                config.client.port
            )),
            Some(port) if port == config.client.port => {
                found.push(format!(
                    "http.port = {port}: the client port has it already"
                ));
            }
            Some(_) => {}
        }
    }
    found
}

/// What the operator should know; the node starts.
pub(super) fn warnings(config: &Config) -> Vec<String> {
    let mut found = Vec::new();
    let open = config.client.password.is_empty();
    let others: Vec<_> = config.client.bind.iter().map(String::as_str).collect();
    if open && !others.iter().all(|address| is_loopback(address)) {
        found.push(if config.client.protected_mode {
            "client.bind is more than loopback and client.password is empty: protected mode \
             refuses every client that is not on this machine; set a password, or \
             client.protected_mode = false"
                .to_owned()
        } else {
            "client.bind is more than loopback, client.password is empty and protected mode is \
             off: whoever reaches the port can read and write everything"
                .to_owned()
        });
    }
    if config.http.enabled && !is_loopback(&config.http.bind) {
        found.push("http.bind is more than loopback: the http port asks no password".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_beyond_reproach() {
        assert_eq!(problems(&Config::default()), Vec::<String>::new());
        assert_eq!(warnings(&Config::default()), Vec::<String>::new());
    }

    #[test]
    fn contradictions_are_named() {
        let mut config = Config::default();
        config.peer.seeds = vec!["a:1".to_owned()];
        config.peer.bind = "0.0.0.0".to_owned();
        config.cluster.n = 1;
        config.cluster.dw = 3;
        config.client.port = 65_000;
        let found = problems(&config).join("\n");
        for part in [
            "peer.secret",
            "peer.port",
            "cluster.r",
            "cluster.w",
            "cluster.dw",
            "http.port",
        ] {
            assert!(found.contains(part), "{part}: {found}");
        }
    }

    #[test]
    fn an_open_port_is_warned_about() {
        let mut config = Config::default();
        config.client.bind = vec!["127.0.0.1".to_owned(), "0.0.0.0".to_owned()];
        let found = warnings(&config);
        assert_eq!(found.len(), 1, "{found:?}");
        config.client.password = "secret".to_owned();
        assert_eq!(warnings(&config), Vec::<String>::new());
    }
}
