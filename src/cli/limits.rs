//! File descriptors: as many as `client.max_clients` needs, or fewer clients.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are not clients': listeners, log, the tree's tables, threads' runtimes.
const OURS: u64 = 128;

/// Raises the limit of the process, as Redis does; if the system refuses, lowers `max_clients` to
/// what there is and says so.
pub(super) fn fit_max_clients(max_clients: &mut u32) {
    let wanted = u64::from(*max_clients) + OURS;
    let limit = getrlimit(Resource::Nofile);
    let Some(current) = limit.current.filter(|&current| current < wanted) else {
        return;
    };
    let raised = limit.maximum.map_or(wanted, |most| most.min(wanted));
    let wish = Rlimit {
        current: Some(raised),
        maximum: limit.maximum,
    };
    let had = match setrlimit(Resource::Nofile, wish) {
        Ok(()) => raised,
        Err(_) => current,
    };
    let room = clients_within(had);
    if room < *max_clients {
        tracing::warn!(
            "client.max_clients is lowered from {max_clients} to {room}: the system allows this \
             process {had} file descriptors; raise `ulimit -n`"
        );
        *max_clients = room;
    }
}

fn clients_within(descriptors: u64) -> u32 {
    let room = descriptors.saturating_sub(OURS).max(1);
    u32::try_from(room).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_client_is_always_served() {
        assert_eq!(clients_within(1_024), 896);
        assert_eq!(clients_within(0), 1);
    }
}
