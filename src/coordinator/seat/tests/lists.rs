//! The machine by its whole effect lists: a start, a failover, a return, refusals, many partitions.

use super::{node, table};
use crate::coordinator::seat::{
    Effect, Epoch, HOLD_MS, Input, Message, Notice, Partitions, RESEND_MS, Seats, Standing,
};
use crate::types::{Hlc, MonoMs, NodeId, PartitionId};

const P: PartitionId = PartitionId(0);

fn set(ids: impl IntoIterator<Item = u16>) -> Partitions {
    ids.into_iter().map(PartitionId).collect()
}

fn one() -> Partitions {
    set([0])
}

fn step(seats: &mut Seats, now: u64, hlc: u64, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    seats.step(MonoMs(now), Hlc(hlc), input, &mut effects);
    effects
}

fn layout(partitions: u16, nodes: u8, n: u8, w: u8) -> Input {
    Input::LayoutsChanged {
        live: vec![table(partitions, nodes, n)],
        n,
        w,
    }
}

fn heard(from: u8, message: Message) -> Input {
    Input::Received {
        from: node(from),
        message,
    }
}

fn claim(hlc: u64) -> Message {
    Message::Claim {
        hlc: Hlc(hlc),
        partitions: one(),
    }
}

fn give(hlc: u64, served: bool) -> Message {
    Message::Yield {
        hlc: Hlc(hlc),
        partitions: one(),
        served: if served { one() } else { Partitions::new() },
    }
}

fn send(to: u8, message: Message) -> Effect {
    let to = node(to);
    Effect::Send { to, message }
}

fn exchange(hlc: u64, with: &[u8]) -> Effect {
    Effect::Exchange {
        claim: Hlc(hlc),
        partitions: one(),
        with: with.iter().copied().map(node).collect(),
    }
}

fn exchanged(hlc: u64, with: u8) -> Input {
    Input::Exchanged {
        claim: Hlc(hlc),
        partitions: one(),
        with: node(with),
    }
}

fn epoch(hlc: u64, by: u8) -> Epoch {
    Epoch {
        hlc: Hlc(hlc),
        node: node(by),
    }
}

fn seated() -> Effect {
    Effect::Seated { partitions: one() }
}

fn elsewhere(by: u8) -> Standing {
    Standing::Elsewhere { seat: node(by) }
}

/// Node 1 of three, first owner, seated under the epoch 10.
fn seat_of_three() -> Seats {
    let mut seats = Seats::new(node(1));
    step(&mut seats, 0, 10, layout(1, 3, 3, 2));
    step(&mut seats, 0, 11, heard(2, give(10, true)));
    step(&mut seats, 0, 12, exchanged(10, 2));
    assert_eq!(
        seats.standing(P),
        Standing::Seated {
            epoch: epoch(10, 1)
        }
    );
    seats
}

#[test]
fn a_node_alone_is_seated_at_once() {
    let mut seats = Seats::new(node(1));
    let effects = step(&mut seats, 0, 10, layout(1, 1, 1, 1));
    assert_eq!(effects, [Effect::Publish, seated()]);
}

#[test]
fn a_first_owner_asks_waits_exchanges_and_is_seated() {
    let mut seats = Seats::new(node(1));
    let effects = step(&mut seats, 0, 10, layout(1, 3, 3, 2));
    let asked = [Effect::Publish, send(2, claim(10)), send(3, claim(10))];
    assert_eq!(effects, asked);
    // It has forgotten who serves, so it names the next owner until all have answered.
    assert_eq!(seats.standing(P), elsewhere(2));
    let effects = step(&mut seats, 1, 11, heard(2, give(10, false)));
    assert_eq!(effects, [Effect::Publish, exchange(10, &[2])]);
    assert_eq!(seats.standing(P), elsewhere(3));
    let effects = step(&mut seats, 2, 12, heard(3, give(10, true)));
    assert_eq!(effects, [Effect::Publish, exchange(10, &[3])]);
    assert_eq!(seats.standing(P), Standing::Unseated { reads: 2 });
    let effects = step(&mut seats, 3, 13, exchanged(10, 3));
    assert_eq!(effects, [Effect::Publish, seated()]);
    assert_eq!(seats.deadline(), None);
    // A message or an exchange that comes twice changes nothing.
    assert_eq!(step(&mut seats, 4, 14, heard(3, give(10, true))), []);
    assert_eq!(step(&mut seats, 4, 15, exchanged(10, 3)), []);
}

#[test]
fn a_dead_seat_costs_one_detection_time() {
    let mut seats = Seats::new(node(2));
    step(&mut seats, 0, 5, layout(1, 3, 3, 2));
    let effects = step(&mut seats, 0, 11, heard(1, claim(10)));
    // Promised by the seat's epoch; nobody served here.
    assert_eq!(effects, [Effect::Publish, send(1, give(10, false))]);
    assert_eq!(seats.standing(P), elsewhere(1));
    let effects = step(&mut seats, 50, 20, Input::BelievedDown(node(1)));
    assert_eq!(effects, [Effect::Publish, send(3, claim(20))]);
    // It coordinates at once, reading.
    assert_eq!(seats.standing(P), Standing::Unseated { reads: 2 });
    let effects = step(&mut seats, 51, 21, heard(3, give(20, false)));
    assert_eq!(effects, [Effect::Publish, exchange(20, &[3])]);
    let effects = step(&mut seats, 52, 22, exchanged(20, 3));
    assert_eq!(effects, [Effect::Publish, seated()]);
    // The old seat is back: it is told, and later asks.
    let effects = step(&mut seats, 60, 30, Input::BelievedUp(node(1)));
    assert_eq!(effects, [send(1, claim(20))]);
    let effects = step(&mut seats, 61, 31, heard(1, claim(30)));
    let handed = [
        Effect::Unseated {
            partitions: one(),
            seat: node(1),
        },
        Effect::Publish,
        Effect::HandOver {
            partitions: one(),
            to: node(1),
        },
        send(1, give(30, true)),
    ];
    assert_eq!(effects, handed);
    assert_eq!(seats.standing(P), elsewhere(1));
    // The same claim again: the yield again, and nothing else.
    let effects = step(&mut seats, 62, 32, heard(1, claim(30)));
    assert_eq!(effects, [send(1, give(30, false))]);
}

#[test]
fn a_claimant_that_has_forgotten_waits_for_whoever_served() {
    let mut seats = Seats::new(node(1));
    step(&mut seats, 0, 10, layout(1, 3, 3, 2));
    step(&mut seats, 1, 11, heard(3, give(10, true)));
    // The server has yielded: node 2 need not have answered.
    assert_eq!(seats.standing(P), Standing::Unseated { reads: 2 });
}

#[test]
fn an_earlier_claim_is_refused_with_the_later_epoch() {
    let mut seats = seat_of_three();
    let effects = step(&mut seats, 1, 13, heard(2, claim(9)));
    let promises = vec![(epoch(10, 1), one())];
    assert_eq!(effects, [send(2, Message::Promised { promises })]);
    assert_eq!(
        seats.standing(P),
        Standing::Seated {
            epoch: epoch(10, 1)
        }
    );
}

#[test]
fn a_notice_unseats_and_the_seat_is_asked_for_again_later() {
    let mut seats = seat_of_three();
    let notice = Notice {
        partition: P,
        promised: epoch(40, 2),
    };
    let effects = step(&mut seats, 100, 50, heard(3, notice.into()));
    let unseated = [
        Effect::Unseated {
            partitions: one(),
            seat: node(2),
        },
        Effect::Publish,
        Effect::HandOver {
            partitions: one(),
            to: node(2),
        },
        send(2, give(40, true)),
    ];
    assert_eq!(effects, unseated);
    assert_eq!(step(&mut seats, 101, 51, heard(3, notice.into())), []);
    assert_eq!(seats.deadline(), Some(MonoMs(100 + HOLD_MS)));
    let effects = step(&mut seats, 100 + HOLD_MS, 60, Input::Ticked);
    let asked = [Effect::Publish, send(2, claim(60)), send(3, claim(60))];
    assert_eq!(effects, asked);
    assert_eq!(seats.standing(P), elsewhere(2));
}

#[test]
fn a_replica_that_has_forgotten_makes_the_seat_claim_anew_while_it_serves() {
    let mut seats = seat_of_three();
    let notice = Notice {
        partition: P,
        promised: Epoch::forgotten(Hlc(40)),
    };
    let effects = step(&mut seats, 100, 50, heard(3, notice.into()));
    let anew = [
        Effect::Unseated {
            partitions: one(),
            seat: node(1),
        },
        Effect::Publish,
        send(2, claim(50)),
        send(3, claim(50)),
    ];
    assert_eq!(effects, anew);
    assert_eq!(seats.standing(P), Standing::Unseated { reads: 2 });
}

#[test]
fn unanswered_claims_are_sent_again() {
    let mut seats = Seats::new(node(1));
    step(&mut seats, 0, 10, layout(1, 3, 3, 2));
    assert_eq!(seats.deadline(), Some(MonoMs(RESEND_MS)));
    step(&mut seats, 1, 11, heard(2, give(10, false)));
    let effects = step(&mut seats, RESEND_MS, 12, Input::Ticked);
    assert_eq!(effects, [send(3, claim(10))]);
    assert_eq!(seats.deadline(), Some(MonoMs(2 * RESEND_MS)));
}

#[test]
fn a_seat_without_w_owners_is_unseated_and_asks_when_they_return() {
    let mut seats = seat_of_three();
    step(&mut seats, 1, 13, Input::BelievedDown(node(2)));
    let effects = step(&mut seats, 2, 14, Input::BelievedDown(node(3)));
    let unseated = [
        Effect::Unseated {
            partitions: one(),
            seat: node(1),
        },
        Effect::Publish,
    ];
    assert_eq!(effects, unseated);
    assert_eq!(seats.standing(P), Standing::Unseated { reads: 2 });
    let effects = step(&mut seats, 3, 15, Input::BelievedUp(node(3)));
    assert_eq!(effects, [Effect::Publish, send(3, claim(15))]);
    // Node 3 may serve, or know who does.
    assert_eq!(seats.standing(P), elsewhere(3));
}

#[test]
fn a_foreign_write_is_fetched_before_the_seat_trusts_its_copy_again() {
    let mut seats = seat_of_three();
    let foreign = Message::Foreign { partitions: one() };
    let effects = step(&mut seats, 1, 13, heard(3, foreign));
    let fetched = [
        Effect::Unseated {
            partitions: one(),
            seat: node(1),
        },
        Effect::Publish,
        exchange(10, &[3]),
    ];
    assert_eq!(effects, fetched);
    let effects = step(&mut seats, 2, 14, exchanged(10, 3));
    assert_eq!(effects, [Effect::Publish, seated()]);
}

#[test]
fn a_replica_tells_the_writer_and_the_seat() {
    let mut seats = Seats::new(node(3));
    step(&mut seats, 0, 5, layout(1, 3, 3, 2));
    step(&mut seats, 0, 11, heard(2, claim(10)));
    let map = seats.map();
    assert_eq!(map.observe_write(P, None, node(2)), None);
    assert_eq!(map.observe_write(P, Some(epoch(10, 2)), node(2)), None);
    let notice = Notice {
        partition: P,
        promised: epoch(10, 2),
    };
    assert_eq!(map.observe_write(P, None, node(1)), Some(notice));
    assert_eq!(
        map.observe_write(P, Some(epoch(8, 1)), node(1)),
        Some(notice)
    );
    let wrote = |epoch, from| Input::WroteForeign {
        partition: P,
        epoch,
        from,
    };
    let effects = step(&mut seats, 1, 12, wrote(Some(epoch(8, 1)), node(1)));
    assert_eq!(effects, [send(2, Message::Foreign { partitions: one() })]);
    // A later epoch whose claim was lost: the write is as good as one.
    let effects = step(&mut seats, 2, 13, wrote(Some(epoch(12, 1)), node(1)));
    assert_eq!(effects, [Effect::Publish, send(1, give(12, false))]);
}

#[test]
fn a_write_needs_no_epoch_once_its_replica_has_yielded() {
    let seats = seat_of_three();
    assert_eq!(seats.map().stamp(P, node(2)), None);
    assert_eq!(seats.map().stamp(P, node(3)), Some(epoch(10, 1)));
    assert_eq!(
        seats.map().stamp(PartitionId(9), node(2)),
        Some(Epoch::NONE)
    );
}

#[test]
fn commands_go_to_the_seat_else_to_another_owner_else_nowhere() {
    let mut seats = Seats::new(node(4));
    step(&mut seats, 0, 5, layout(1, 5, 3, 2));
    let map = seats.map();
    assert_eq!(map.route(P, |_| true), node(1));
    assert_eq!(map.route(P, |other| other != node(1)), node(2));
    assert_eq!(map.route(P, |_| false), node(4));
    // It learns the seat from a refusal.
    let promises = vec![(epoch(10, 3), one())];
    let effects = step(&mut seats, 1, 6, heard(1, Message::Promised { promises }));
    assert_eq!(effects, [Effect::Publish]);
    assert_eq!(seats.map().route(P, |_| true), node(3));
    assert_eq!(seat_of_three().map().route(P, |_| true), node(1));
}

#[test]
fn a_dead_node_of_a_large_ring_costs_two_messages_per_peer() {
    let mut seats = Seats::new(node(2));
    step(&mut seats, 0, 5, layout(256, 5, 3, 2));
    let effects = step(&mut seats, 1, 6, Input::BelievedDown(node(1)));
    let claims: Vec<NodeId> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send {
                to,
                message: Message::Claim { .. },
            } => Some(*to),
            _ => None,
        })
        .collect();
    assert_eq!(claims, [node(3)], "owners of the partitions of node 1");
    let claimed = set((0..256).filter(|p| p % 5 == 0));
    let message = Message::Claim {
        hlc: Hlc(6),
        partitions: claimed.clone(),
    };
    assert!(effects.contains(&send(3, message.clone())));
    let mut peer = Seats::new(node(3));
    step(&mut peer, 0, 5, layout(256, 5, 3, 2));
    let effects = step(&mut peer, 1, 7, heard(2, message));
    let given = Message::Yield {
        hlc: Hlc(6),
        partitions: claimed,
        served: Partitions::new(),
    };
    assert_eq!(effects, [Effect::Publish, send(2, given)]);
}

#[test]
fn a_clock_that_went_back_claims_nothing() {
    let mut seats = Seats::new(node(1));
    step(&mut seats, 0, 10, layout(1, 3, 3, 2));
    step(&mut seats, 0, 11, heard(2, claim(99)));
    let effects = step(&mut seats, HOLD_MS, 12, Input::Ticked);
    assert_eq!(effects, []);
    assert_eq!(seats.standing(P), elsewhere(2));
    assert_eq!(seats.deadline(), Some(MonoMs(HOLD_MS + RESEND_MS)));
}
