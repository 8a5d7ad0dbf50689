//! A broker's life: start, registration, and the ways to end.
//!
//! Order at the start ([`start`]): the listening socket is bound first, because the registration
//! names its port; the broker is registered, which ends the life before; its storage seals and
//! replays the earlier lives' logs; only then does it take the leadership of its partitions, one
//! leader epoch later; and only when all of them are open does it accept connections.
//!
//! At the end ([`life`]): [`Broker::leave`] (other brokers of the cluster go on) hands the
//! partitions over, then continues as [`Broker::shutdown`] (SIGTERM: the whole process stops):
//! connections finish their requests, storage closes, the registration ends. [`Broker::kill`] does
//! none of that.

mod life;
mod registration;
mod start;

pub use life::{Broker, BrokerParts, StartError};
