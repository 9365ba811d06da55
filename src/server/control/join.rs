//! The way in: a node finds out which cluster it belongs to before it opens its data, since the
//! cluster's keys decide where every record stands.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::memory::{Memory, MemoryError, read_join_answer};
use crate::config::{Config, Engine};
use crate::env::clock::sleep;
use crate::env::{Clock, rng};
use crate::membership::{
    JoinAnswer, Lifecycle, LifecycleEffect as Effect, LifecycleInput as Input, MemberEntry,
    Members, Message, Phase, Saved, Setup, Status, View, default_name,
};
use crate::node::{Founded, Identity, IdentityError};
use crate::peer::{
    Class, Established, FRAME_BYTES_MAX, FrameKind, HANDSHAKE_TIMEOUT, Header, Local, Secrets,
    VERSIONS, dial, encode, parse,
};
use crate::types::{Actor, ClusterId, Hlc, MonoMs, NodeId};

/// Why a node does not get in. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JoinError {
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Memory(#[from] MemoryError),
    #[error("{0}")]
    Refused(String),
}

/// A node that is in.
pub(crate) struct Joined {
    pub(crate) memory: Memory,
    /// The node as it is configured.
    pub(crate) me: MemberEntry,
    pub(crate) lifecycle: Lifecycle,
    /// A layout to be claimed at once: the founder's.
    pub(crate) claim: Option<Vec<NodeId>>,
}

/// Finds or makes the node's identity, and with it its cluster. Waits for seeds if it must.
pub(crate) async fn enter(
    config: &Config,
    clock: &Clock,
    found: bool,
) -> Result<(Identity, Joined), JoinError> {
    let directory = Path::new(&config.node.data_dir);
    // The memory engine keeps what it is only where it was told to be one of several.
    let several = found || !config.peer.seeds.is_empty();
    let keeps = config.storage.engine == Engine::Fjall || several || Identity::is_in(directory);
    let known = if keeps {
        Identity::read(directory)?
    } else {
        None
    };
    let id = known
        .as_ref()
        .map_or_else(|| NodeId(rng::random_u128()), |known| known.node);
    let remembered = match &known {
        Some(_) => Memory::of(directory, id)?,
        None => None,
    };
    let me = entry(config, id);
    let hlc = Hlc::from_wall(clock.wall());
    let saved = saved(known.as_ref(), remembered.as_ref(), id);
    let setup = Setup {
        me: me.clone(),
        seeds: config.peer.seeds.clone(),
        found,
        auto_join: config.cluster.auto_join,
        saved,
        holds_records: false,
    };
    let mut way = Way {
        config,
        clock,
        began: clock.now(),
        hlc,
        id,
        claim: None,
        outcome: known.map(Outcome::Known),
        founded: None,
        described: None,
    };
    let mut effects = Vec::new();
    let members = remembered
        .as_ref()
        .map_or_else(Members::default, |memory| memory.state().members().clone());
    let reachable = BTreeSet::new();
    let view = View {
        members: &members,
        reachable: &reachable,
        holds_records: false,
        hlc,
    };
    let mut lifecycle = Lifecycle::start(MonoMs(0), setup, view, &mut effects);
    loop {
        let mut answers = Vec::new();
        for effect in effects.drain(..) {
            way.carry_out(effect, &mut answers).await?;
        }
        if way.outcome.is_some() && lifecycle.phase() != Phase::Waiting {
            break;
        }
        if answers.is_empty() {
            let now = way.now();
            if let Some(at) = lifecycle.deadline() {
                sleep(Duration::from_millis(at.0.saturating_sub(now.0))).await;
            }
            lifecycle.step(way.now(), view, Input::Ticked, &mut effects);
        }
        for (from, answer) in answers {
            let input = Input::SeedAnswered { from, answer };
            lifecycle.step(way.now(), view, input, &mut effects);
        }
    }
    let claim = way.claim.take();
    let outcome = way.outcome.take();
    let identity = match outcome {
        Some(Outcome::Known(identity)) => identity,
        Some(Outcome::Made { cluster, founded }) => {
            let identity = Identity::made(id, cluster, &founded);
            if keeps {
                identity.keep(directory)?;
            }
            identity
        }
        None => return Err(JoinError::Refused("no cluster was found".to_owned())),
    };
    let memory = remembered.unwrap_or_else(|| {
        Memory::new(keeps.then_some(directory), identity.cluster, identity.node)
    });
    let joined = Joined {
        memory,
        me: way.described.take().unwrap_or(me),
        lifecycle,
        claim,
    };
    Ok((identity, joined))
}

/// What the node knows of its place in a cluster.
fn saved(known: Option<&Identity>, remembered: Option<&Memory>, id: NodeId) -> Option<Saved> {
    let from_memory = remembered.map(|memory| Saved {
        cluster: memory.cluster(),
        status: memory
            .state()
            .members()
            .get(id)
            .map_or(Status::Joining, |entry| entry.status),
    });
    // Data made before there were clusters: its node founded one of its own.
    from_memory.or(known.map(|known| Saved {
        cluster: known.cluster,
        status: Status::Member,
    }))
}

enum Outcome {
    Known(Identity),
    Made {
        cluster: ClusterId,
        founded: Founded,
    },
}

struct Way<'a> {
    config: &'a Config,
    clock: &'a Clock,
    began: Instant,
    hlc: Hlc,
    id: NodeId,
    claim: Option<Vec<NodeId>>,
    outcome: Option<Outcome>,
    /// What the last cluster that answered is made with.
    founded: Option<Founded>,
    described: Option<MemberEntry>,
}

impl Way<'_> {
    fn now(&self) -> MonoMs {
        MonoMs(self.began.elapsed().as_millis() as u64)
    }

    async fn carry_out(
        &mut self,
        effect: Effect,
        answers: &mut Vec<(NodeId, JoinAnswer)>,
    ) -> Result<(), JoinError> {
        match effect {
            Effect::Found { entry } => {
                self.outcome = Some(Outcome::Made {
                    cluster: ClusterId(rng::random_u128()),
                    founded: Founded::random(self.config.cluster.partitions),
                });
                self.described = Some(*entry);
            }
            Effect::Join { cluster, entry } => {
                if let Some(founded) = self.founded.clone() {
                    self.outcome = Some(Outcome::Made { cluster, founded });
                    self.described = Some(*entry);
                }
            }
            Effect::ClaimLayout { members } => self.claim = Some(members),
            Effect::AskSeed { address, entry } => {
                let asked = self.ask(&address, *entry);
                if let Ok(Some(answer)) = tokio::time::timeout(HANDSHAKE_TIMEOUT, asked).await {
                    answers.push(answer);
                } else {
                    tracing::debug!(address, "a seed does not answer");
                }
            }
            Effect::Say(text) => tracing::info!("{text}"),
            Effect::Stop { reason } => return Err(JoinError::Refused(reason)),
            Effect::Serve
            | Effect::Admit { .. }
            | Effect::AnswerAdmitted { .. }
            | Effect::Answer { .. } => {}
        }
        Ok(())
    }

    /// Asks whoever is at this address.
    async fn ask(&mut self, address: &str, entry: MemberEntry) -> Option<(NodeId, JoinAnswer)> {
        let secret = &self.config.peer.secret;
        let local = Local {
            node: self.id,
            actor: Actor(0),
            cluster: None,
            hlc: self.hlc.max(Hlc::from_wall(self.clock.wall())),
            versions: VERSIONS,
            secrets: Secrets::new(secret.as_bytes(), None),
        };
        let dialled = dial(address, &local, Class::Control, 0, HANDSHAKE_TIMEOUT).await;
        let (mut stream, established): (_, Established) = match dialled {
            Ok(both) => both,
            Err(error) => {
                tracing::debug!(address, %error, "a seed cannot be asked");
                return None;
            }
        };
        let header = Header {
            kind: FrameKind::JOIN,
            cluster: established.cluster,
            layout: 0,
            hlc: local.hlc,
        };
        let body = Message::Ask(entry).encode();
        let mut frame = Vec::new();
        encode(&header, |out| out.extend_from_slice(&body), &mut frame).ok()?;
        stream.write_all(&frame).await.ok()?;
        let mut bytes = Vec::new();
        loop {
            if let Ok(frame) = parse(&bytes, FRAME_BYTES_MAX) {
                if frame.header.kind != FrameKind::JOIN_ANSWER {
                    return None;
                }
                self.hlc = self.hlc.max(frame.header.hlc);
                let (answer, founded) = read_join_answer(frame.body)?;
                self.founded = Some(founded);
                return Some((established.peer, answer));
            }
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
    }
}

/// The node as its settings describe it.
fn entry(config: &Config, id: NodeId) -> MemberEntry {
    let name = match config.node.name.as_str() {
        "" => default_name(id),
        name => name.to_owned(),
    };
    let host = |bind: &str| match bind {
        "*" | "0.0.0.0" | "::" => "127.0.0.1".to_owned(),
        some => some.to_owned(),
    };
    let peer_host = match config.peer.advertise.as_str() {
        "" => host(&config.peer.bind),
        advertise => advertise.to_owned(),
    };
    let peer_address = if peer_host.contains(':') && !peer_host.starts_with('[') {
        peer_host.clone()
    } else {
        format!("{peer_host}:{}", config.peer_port().unwrap_or(0))
    };
    let client_host = config
        .client
        .bind
        .first()
        .map_or("127.0.0.1", String::as_str);
    let http = config.http_port().filter(|_| config.http.enabled);
    MemberEntry {
        id,
        first_seen: Hlc(0),
        incarnation: 0,
        status: Status::Joining,
        name,
        zone: config.node.zone.clone(),
        capacity_thousandths: (config.node.capacity * 1_000.0) as u32,
        peer_address,
        client_address: format!("{}:{}", host(client_host), config.client.port),
        http_address: http.map_or_else(String::new, |port| {
            format!("{}:{port}", host(&config.http.bind))
        }),
        actor: Actor(0),
        later_fields: bytes::Bytes::new(),
    }
}
