//! Workers of three nodes without sockets: what one writes another is handed, in this thread and in this
//! order, unless the link is cut.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::pass::Settled;
use super::*;
use crate::commands::Registry;
use crate::commands::dispatch::{Dispatch, Ended};
use crate::config::{Config, Engine};
use crate::env::Clock;
use crate::node::fanout::Fanout;
use crate::node::stats::WorkerStats;
use crate::node::view::{Known, NodeIndex, Route, Target, View};
use crate::node::{Founded, Identity, Node, Part, Stage};
use crate::peer::{FRAME_BYTES_MAX, parse};
use crate::resp::{OwnedArgv, Reply};
use crate::session::{ClientHandle, Session};
use crate::types::{ClusterId, NodeId};

struct Peer {
    node: Arc<Node>,
    plane: Plane,
    stage: Stage,
    stats: WorkerStats,
    session: Session,
    /// By who asks.
    served: Vec<Served>,
}

struct World {
    peers: Vec<Peer>,
    cut: BTreeSet<(usize, usize)>,
}

const PARTITIONS: u16 = 64;

fn session() -> Session {
    let nowhere = "127.0.0.1:1".parse().expect("an address");
    Session::new(Arc::new(ClientHandle::new(1, nowhere, nowhere, 0, 0)), true)
}

/// Index of peer `other` as `me` counts: itself first.
fn index(me: usize, other: usize) -> NodeIndex {
    NodeIndex(match other.cmp(&me) {
        std::cmp::Ordering::Equal => 0,
        std::cmp::Ordering::Less => other as u16 + 1,
        std::cmp::Ordering::Greater => other as u16,
    })
}

impl World {
    /// Three nodes that own everything; the first is every partition's seat.
    fn of_three() -> Self {
        let founded = Founded::random(PARTITIONS);
        let mut world = Self {
            peers: (0..3).map(|id| Peer::new(id, &founded)).collect(),
            cut: BTreeSet::new(),
        };
        for me in 0..3 {
            world.set_view(me, &[0, 1, 2]);
            for other in (0..3).filter(|other| *other != me) {
                world.peers[me].plane.connected(index(me, other));
            }
        }
        world.pump();
        world
    }

    /// What `me` routes by, with these believed up.
    fn set_view(&mut self, me: usize, up: &[usize]) {
        let known = |id: usize| Known {
            id: NodeId(id as u128 + 1),
            name: format!("n{id}"),
            zone: String::new(),
            peer_address: String::new(),
            client_address: String::new(),
            member: true,
            reachable: up.contains(&id),
        };
        let mut nodes = vec![known(me)];
        nodes.extend((0..3).filter(|other| *other != me).map(known));
        let others = (0..3).filter(|other| *other != me);
        let route = Route {
            owners: (0..3).map(|owner| index(me, owner)).collect(),
            seat: up.first().map(|seat| index(me, *seat)),
            targets: others
                .clone()
                .filter(|other| up.contains(other))
                .map(|other| Target {
                    to: index(me, other),
                    stands_for: None,
                })
                .collect(),
            missed: others
                .filter(|other| !up.contains(other))
                .map(|other| index(me, other))
                .collect(),
            mine: true,
        };
        let peer = &mut self.peers[me];
        let view = View {
            number: peer.plane.view.number + 1,
            layout: 2,
            nodes,
            routes: vec![route; usize::from(PARTITIONS)].into(),
            n: 3,
            r: 2,
            w: 2,
            dw: 0,
            request_timeout_ms: 1_000,
            alone: false,
        };
        peer.node.view.store(Arc::new(view));
        peer.plane.refresh(&mut peer.stage);
    }

    /// Runs a command at a node; its reply once everything that can arrive has, or the time is up.
    fn run(&mut self, at: usize, words: &[&str]) -> String {
        let mut pass = Pass::default();
        let mut output = Vec::new();
        self.peers[at].execute(words, Some(&mut pass), &mut output);
        self.settle(at, words, pass, output)
    }

    fn settle(&mut self, at: usize, words: &[&str], mut pass: Pass, mut output: Vec<u8>) -> String {
        for _ in 0..4 {
            self.pump();
        }
        let peer = &mut self.peers[at];
        let done = pass.advance(&mut peer.plane, false);
        assert!(pass.advance(&mut peer.plane, true), "time ends everything");
        let again = !done && pass.retries();
        let protocol = peer.session.protocol;
        let mut anew = Vec::new();
        pass.assemble(
            &mut output,
            |text, out| Reply::new(out, protocol).error(text),
            |span, how, _| anew.push((span, how.routed)),
        );
        for (_, routed) in anew {
            assert!(!routed || again, "nothing is routed anew for ever");
            peer.execute(words, None, &mut output);
        }
        String::from_utf8(output).expect("text")
    }

    /// Carries everything that is written to where it goes, and the answers back.
    fn pump(&mut self) {
        for me in 0..3 {
            for other in (0..3).filter(|other| *other != me) {
                self.carry(me, other);
            }
        }
    }

    fn carry(&mut self, me: usize, other: usize) {
        let to = index(me, other);
        let peer = &mut self.peers[me];
        peer.plane.flush(&mut peer.stage);
        if self.cut.contains(&(me, other)) {
            return;
        }
        let sent = std::mem::take(&mut peer.plane.link(to).out);
        let answers = self.peers[other].serve(me, &sent);
        if self.cut.contains(&(other, me)) {
            return;
        }
        let peer = &mut self.peers[me];
        let mut from = 0;
        while let Ok(frame) = parse(&answers[from..], FRAME_BYTES_MAX) {
            let received = peer.plane.received(to, &frame, &mut peer.stage);
            received.expect("what a node answers parses");
            from += frame.consumed;
        }
    }
}

impl Peer {
    fn new(id: usize, founded: &Founded) -> Self {
        let mut config = Config::default();
        config.storage.engine = Engine::Memory;
        let identity = Identity::made(NodeId(id as u128 + 1), ClusterId(7), founded);
        let part = Part {
            founds: id == 0,
            alone: false,
        };
        let node = Node::open_as(&identity, config, Clock::System, part).expect("opens");
        let mut stage = Stage::new(false);
        stage.fanout = Some(Box::new(Fanout::new(node.view.load_full())));
        Self {
            plane: Plane::new(Arc::clone(&node)),
            node,
            stage,
            stats: WorkerStats::new(Registry::get().len()),
            session: session(),
            served: (0..3).map(|_| Served::default()).collect(),
        }
    }

    fn execute(&mut self, words: &[&str], pass: Option<&mut Pass>, output: &mut Vec<u8>) -> Ended {
        let argv = OwnedArgv::from_words(words.iter().map(|word| word.as_bytes()));
        let start = output.len();
        let mut nothing = Pass::default();
        let routed = pass.is_some();
        let mut hook = Hook::new(&mut self.plane, pass.unwrap_or(&mut nothing));
        self.stage.fanout.as_mut().expect("several nodes").on = true;
        let mut dispatch = Dispatch {
            node: &self.node,
            stage: &mut self.stage,
            stats: &self.stats,
            elsewhere: routed.then_some(&mut hook),
            now: self.node.clock.wall(),
            instant: self.node.clock.now(),
        };
        let ended = dispatch.execute(&mut self.session, argv.argv(), output);
        hook.place(Span {
            from: start,
            to: output.len(),
            ..Span::default()
        });
        self.stage.fanout.as_mut().expect("several nodes").on = false;
        ended
    }

    /// Serves what a peer has sent; what goes back.
    fn serve(&mut self, from: usize, bytes: &[u8]) -> Vec<u8> {
        let mut served = std::mem::take(&mut self.served[from]);
        let mut asks = Vec::new();
        let mut at = 0;
        while let Ok(frame) = parse(&bytes[at..], FRAME_BYTES_MAX) {
            let received = served.received(&mut self.plane, &frame, &mut self.stage, &mut asks);
            received.expect("what a node sends parses");
            at += frame.consumed;
        }
        let merged = served.merged();
        if served.owes(merged) {
            served.committed(&self.plane, merged, 0);
        }
        let mut out = std::mem::take(&mut served.out);
        self.served[from] = served;
        for ask in asks {
            let words: Vec<&str> = ask
                .words
                .iter()
                .map(|word| std::str::from_utf8(word).expect("text"))
                .collect();
            let mut reply = Vec::new();
            self.execute(&words, Some(&mut Pass::default()), &mut reply);
            put_answers(&self.plane, &[(ask.number, &reply)], &mut out);
        }
        out
    }
}

#[test]
fn a_write_is_acknowledged_by_w_nodes_and_reaches_all() {
    let mut world = World::of_three();
    assert_eq!(world.run(0, &["SET", "k", "v"]), "+OK\r\n");
    for at in 0..3 {
        assert_eq!(world.run(at, &["GET", "k"]), "$1\r\nv\r\n");
    }
}

#[test]
fn without_w_nodes_the_outcome_is_unknown_and_says_so() {
    let mut world = World::of_three();
    world.cut.extend([(0, 1), (0, 2)]);
    assert_eq!(
        world.run(0, &["SET", "k", "v"]),
        "-NOQUORUM W=2 not met (acked 1); the write may still become visible\r\n"
    );
    // An acknowledgement that is lost is as good as none.
    world.cut = BTreeSet::from([(1, 0), (2, 0)]);
    assert!(
        world
            .run(0, &["SET", "k", "w"])
            .starts_with("-NOQUORUM W=2 not met (acked 1)")
    );
}

#[test]
fn a_write_goes_through_the_seat_whoever_is_asked() {
    let mut world = World::of_three();
    assert_eq!(world.run(2, &["SET", "k", "v"]), "+OK\r\n");
    assert_eq!(world.run(1, &["INCR", "n"]), ":1\r\n");
    assert_eq!(world.run(2, &["INCR", "n"]), ":2\r\n");
    let versions = world.run(1, &["GETVERSIONS", "n"]);
    assert!(versions.ends_with("*1\r\n$1\r\n2\r\n"), "{versions}");
}

/// Counterexample F6's neighbour: the copy that is asked has missed an acknowledged write.
#[test]
fn a_read_at_a_copy_that_lags_sees_what_was_acknowledged() {
    let mut world = World::of_three();
    world.cut.insert((0, 2));
    assert_eq!(world.run(0, &["SET", "k", "new"]), "+OK\r\n");
    // The third node asks the second, which has it.
    world.cut.insert((2, 0));
    world.peers[2].plane.disconnected(index(2, 0));
    assert_eq!(world.run(2, &["GET", "k"]), "$3\r\nnew\r\n");
    // What it learned it has kept.
    world.cut.extend([(2, 1), (1, 2)]);
    let mut output = Vec::new();
    world.peers[2].execute(&["GET", "k"], None, &mut output);
    assert_eq!(output, b"$3\r\nnew\r\n");
}

#[test]
fn a_read_mends_the_copy_that_was_behind() {
    let mut world = World::of_three();
    world.cut.insert((0, 1));
    assert_eq!(world.run(0, &["SET", "k", "new"]), "+OK\r\n");
    // The link of the first to the second loses what it carried.
    world.peers[0].plane.link(index(0, 1)).out.clear();
    world.cut.clear();
    assert_eq!(world.run(0, &["GET", "k"]), "$3\r\nnew\r\n");
    world.pump();
    let mut output = Vec::new();
    world.peers[1].execute(&["GET", "k"], None, &mut output);
    assert_eq!(output, b"$3\r\nnew\r\n");
    let repairs = &world.peers[0].node.stats.read_repairs;
    assert_eq!(repairs.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[test]
fn too_few_owners_refuse_a_read() {
    let mut world = World::of_three();
    for other in [1, 2] {
        world.peers[0].plane.disconnected(index(0, other));
    }
    assert_eq!(
        world.run(0, &["GET", "k"]),
        "-NOQUORUM R=2 not met (answered 1)\r\n"
    );
}

/// Both sides of a partition write; healed, everybody holds both versions, and a write that has seen
/// both leaves one.
#[test]
fn both_sides_of_a_partition_are_kept_as_siblings() {
    let mut world = World::of_three();
    world.cut.extend([(0, 1), (0, 2), (1, 0), (2, 0)]);
    world.set_view(0, &[0]);
    world.set_view(1, &[1, 2]);
    world.set_view(2, &[1, 2]);
    let alone = world.run(0, &["PUTCTX", "cart", "", "milk"]);
    assert!(alone.starts_with("-NOQUORUM"), "{alone}");
    assert!(
        world
            .run(2, &["PUTCTX", "cart", "", "bread"])
            .starts_with("*2")
    );
    world.cut.clear();
    for me in 0..3 {
        world.set_view(me, &[0, 1, 2]);
    }
    // Reads find the difference and merge it.
    for at in [0, 1, 2, 0, 1, 2] {
        world.run(at, &["GETVERSIONS", "cart"]);
    }
    let mut token = String::new();
    for at in 0..3 {
        let versions = world.run(at, &["GETVERSIONS", "cart"]);
        assert!(
            versions.contains("milk") && versions.contains("bread"),
            "{at}: {versions}"
        );
        token = versions.lines().nth(2).expect("a context").to_owned();
    }
    let resolved = world.run(1, &["PUTCTX", "cart", &token, "milk,bread"]);
    assert!(resolved.ends_with(":1\r\n"), "{resolved}");
    for at in 0..3 {
        assert_eq!(world.run(at, &["GET", "cart"]), "$10\r\nmilk,bread\r\n");
    }
}

/// Counterexample F8: an acknowledgement up to a number does not count what it lists as refused.
#[test]
fn a_refused_operation_does_not_count() {
    let mut world = World::of_three();
    let header = world.peers[0].plane.header();
    let mut ack = Vec::new();
    world.cut.extend([(0, 1), (0, 2)]);
    let mut pass = Pass::default();
    let mut output = Vec::new();
    world.peers[0].execute(&["SET", "k", "v"], Some(&mut pass), &mut output);
    let peer = &mut world.peers[0];
    peer.plane.flush(&mut peer.stage);
    operations::put_ack(&header, &mut ack, 1, 0, &[1]);
    let frame = parse(&ack, FRAME_BYTES_MAX).expect("a frame");
    let received = peer.plane.received(index(0, 1), &frame, &mut peer.stage);
    received.expect("parses");
    assert!(
        !pass.advance(&mut peer.plane, false),
        "refused is not acknowledged"
    );
    // And what was refused is noted for that owner.
    peer.plane.flush(&mut peer.stage);
    let (_, missed) = peer.node.keyspace.handoff.metrics(crate::types::Hlc(0));
    assert_eq!(missed.keys, 1);
    let mut other = Vec::new();
    operations::put_ack(&header, &mut other, 1, 0, &[]);
    let frame = parse(&other, FRAME_BYTES_MAX).expect("a frame");
    let received = peer.plane.received(index(0, 2), &frame, &mut peer.stage);
    received.expect("parses");
    assert!(
        pass.advance(&mut peer.plane, false),
        "the third node's counts"
    );
}

/// Counterexample F10: what may have left goes nowhere else; what never left is routed anew.
#[test]
fn a_forwarded_write_is_not_sent_twice() {
    let mut world = World::of_three();
    let mut pass = Pass::default();
    world.peers[1].execute(&["SET", "k", "v"], Some(&mut pass), &mut Vec::new());
    let peer = &mut world.peers[1];
    peer.plane.disconnected(index(1, 0));
    assert!(pass.advance(&mut peer.plane, false));
    assert!(pass.retries(), "it never left");

    let mut world = World::of_three();
    let mut pass = Pass::default();
    world.peers[1].execute(&["SET", "k", "v"], Some(&mut pass), &mut Vec::new());
    let peer = &mut world.peers[1];
    peer.plane.flush(&mut peer.stage);
    peer.plane.disconnected(index(1, 0));
    assert!(pass.advance(&mut peer.plane, false));
    assert!(!pass.retries(), "it may have arrived");
    assert!(matches!(pass.settled(), [Settled::Error(text)] if text.starts_with("NOQUORUM")));
}
