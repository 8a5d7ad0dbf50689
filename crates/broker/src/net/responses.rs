//! The responses of a connection, which are sent in the order of its requests.
//!
//! Only the oldest waiting request is polled: commits come in order, so the connection's task wakes
//! once for a group of them and sends all their responses in one write.

use std::{collections::VecDeque, future, net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures_util::FutureExt as _;
use milena_runtime::Runtime;
use tokio::io::AsyncWrite;

use super::{
    alarm::Alarm,
    write::{Patience, WriteError, write_parts},
};
use crate::{
    api::handled::{Commit, Reply},
    memory::room::{Room, RoomPermit},
};

/// The reply to a request that took effect.
pub(super) enum PendingReply {
    Ready(Reply),
    Commit(Commit),
}

/// Why nothing more is sent.
#[derive(Debug)]
pub(super) enum SendError {
    /// The connection ends behind the responses that were taken. The reason was logged.
    Last,
    Write(WriteError),
}

/// The responses of a connection that are not sent yet.
pub(super) struct Responses {
    peer: SocketAddr,
    /// Requests that have no response yet, or not yet their turn to send it, oldest first.
    waiting: VecDeque<PendingReply>,
    /// For the deadline of the oldest of them.
    alarm: Alarm,
    /// Encoded responses that are not written yet, in order.
    parts: Vec<Bytes>,
    /// For what is in `parts`.
    rooms: Vec<RoomPermit>,
    /// Until when a throttled client is not read from (KIP-219), on the monotonic clock.
    pub(super) muted_until: Option<Duration>,
    pub(super) last_written: Duration,
    room: Room,
    idle_max: Duration,
    runtime: Runtime,
}

impl Responses {
    /// Of a connection to `peer`, which may read nothing for `idle_max` at most.
    pub(super) fn new(peer: SocketAddr, room: Room, idle_max: Duration, runtime: Runtime) -> Self {
        Self {
            peer,
            waiting: VecDeque::new(),
            alarm: Alarm::new(runtime.clone()),
            parts: Vec::new(),
            rooms: Vec::new(),
            muted_until: None,
            last_written: runtime.monotonic(),
            room,
            idle_max,
            runtime,
        }
    }

    /// How many requests wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Of the newest request.
    pub(super) fn push(&mut self, reply: PendingReply) {
        self.waiting.push_back(reply);
    }

    /// Waits for the reply to the oldest waiting request, for ever where none waits. Cancel-safe.
    pub(super) async fn oldest_ready(&mut self) {
        let Some(oldest) = self.waiting.front_mut() else { return future::pending().await };
        if let PendingReply::Commit(commit) = oldest {
            let reply = commit.in_time(&mut self.alarm).await;
            *oldest = PendingReply::Ready(reply);
        }
    }

    /// Takes the replies that are ready, in order, to be written.
    pub(super) fn take_ready(&mut self) -> Result<(), SendError> {
        while self.oldest_ready().now_or_never().is_some() {
            match self.waiting.pop_front() {
                Some(PendingReply::Ready(reply)) => self.take(reply)?,
                _ => unreachable!("the oldest is ready"),
            }
        }
        Ok(())
    }

    /// Waits for all replies and takes them.
    pub(super) async fn take_all(&mut self) -> Result<(), SendError> {
        while !self.waiting.is_empty() {
            self.oldest_ready().await;
            self.take_ready()?;
        }
        Ok(())
    }

    fn take(&mut self, reply: Reply) -> Result<(), SendError> {
        let reason = match reply {
            Reply::Send { frame, throttle, room } => {
                self.parts.extend(frame.parts);
                self.rooms.extend(room);
                if !throttle.is_zero() {
                    self.muted_until = Some(self.runtime.monotonic() + throttle);
                }
                return Ok(());
            }
            Reply::Nothing => return Ok(()),
            Reply::Last { frame, reason } => {
                self.parts.extend(frame.parts);
                reason
            }
            Reply::Close { reason } => reason,
        };
        // Those behind it would be taken for this one's.
        self.waiting.clear();
        tracing::info!(peer = %self.peer, reason, "closed a connection");
        Err(SendError::Last)
    }

    /// Whether something was taken that is not written yet.
    pub(super) fn has_unwritten(&self) -> bool {
        !self.parts.is_empty()
    }

    /// Writes what was taken. Cancel-safe: what is written then is no more among the rest.
    pub(super) async fn write<W: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut W,
    ) -> Result<(), SendError> {
        if self.parts.is_empty() {
            return Ok(());
        }
        let patience = Patience {
            room: &self.room,
            holds_room: self.rooms.iter().any(RoomPermit::is_counted),
            idle_max: self.idle_max,
        };
        write_parts(stream, &mut self.parts, patience).await.map_err(SendError::Write)?;
        self.rooms.clear();
        self.last_written = self.runtime.monotonic();
        Ok(())
    }
}

impl Commit {
    /// The reply, at the deadline at the latest. Cancel-safe.
    async fn in_time(&mut self, alarm: &mut Alarm) -> Reply {
        if let Some(deadline) = self.deadline {
            tokio::select! {
                biased;
                reply = &mut self.reply => return reply,
                () = alarm.wait_until(deadline) => self.deadline = None,
            }
        }
        (&mut self.reply).await
    }
}
