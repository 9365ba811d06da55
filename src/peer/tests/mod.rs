//! Tests of the peer protocol: frozen bytes, any bytes, handshakes that must fail, the outbox's
//! promises, and sockets.

mod acks;
mod frames;
mod handshakes;
mod outboxes;
mod sockets;
mod versions;

use super::{Local, Secrets, VERSIONS, Versions};
use crate::types::{Actor, ClusterId, Hlc, NodeId};

const CLUSTER: ClusterId = ClusterId(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
const HLC: Hlc = Hlc(1_790_000_000_000 << 16 | 3);
const SECRET: &[u8] = b"correct horse";

/// The dialer of the fixtures.
fn dialing() -> Local {
    Local {
        node: NodeId(0xd1a1_e400_0000_0000_0000_0000_0000_d1a1),
        actor: Actor(0xd1a_1e4a_c704),
        cluster: Some(CLUSTER),
        hlc: HLC,
        versions: VERSIONS,
        secrets: Secrets::new(SECRET, None),
    }
}

/// The acceptor of the fixtures.
fn accepting() -> Local {
    Local {
        node: NodeId(0xacce_9700_0000_0000_0000_0000_00ac_ce97),
        actor: Actor(0xacc_e97a_c704),
        hlc: HLC.next(),
        ..dialing()
    }
}

fn with_secret(mut local: Local, current: &[u8], other: Option<&[u8]>) -> Local {
    local.secrets = Secrets::new(current, other);
    local
}

fn with_versions(mut local: Local, min: u8, max: u8) -> Local {
    local.versions = Versions { min, max };
    local
}

/// The lines of a fixture: a name and its bytes.
fn fixture(text: &str) -> Vec<(&str, Vec<u8>)> {
    text.lines()
        .map(|line| {
            let (name, hex) = line.split_once(' ').expect("a name, then hex");
            let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
            let bytes = digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8);
            (name, bytes.collect())
        })
        .collect()
}

fn named(text: &str, wanted: &str) -> Vec<u8> {
    let found = fixture(text).into_iter().find(|(name, _)| *name == wanted);
    found.expect("the fixture has this line").1
}
