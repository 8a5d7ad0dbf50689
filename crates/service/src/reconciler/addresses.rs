//! Giving brokers addresses.
//!
//! Addresses are given out one after another and kept for the cluster's whole life. The address of
//! a deleted cluster comes up again only when all others were given out, so that a client that
//! still knows it does not write into another cluster. An address that something else listens on is
//! passed over.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use milena_store::Txn;

use super::context::ReconcileContext;
use crate::{
    addresses::AddressPlan,
    cluster_store::{Addresses, ClusterStore},
    error::ApiError,
    record::ManagedCluster,
};

/// How many addresses are tried for a cluster before giving up.
const BIND_ATTEMPTS_MAX: usize = 4096;

/// Gives every node of `record` that has none an address. The transaction that writes the record
/// must contain the returned part, which takes the addresses.
pub(super) async fn allocate(
    context: &ReconcileContext,
    record: &mut ManagedCluster,
) -> Result<Txn, ApiError> {
    let seen = context.store.addresses().await?;
    let cursor = assign(&context.addresses, &seen, record)?;
    Ok(ClusterStore::take_addresses(&seen, cursor, record))
}

/// The index of the address given out last.
fn assign(
    plan: &AddressPlan,
    seen: &Addresses,
    record: &mut ManagedCluster,
) -> Result<u32, ApiError> {
    let count = plan.count();
    let start = seen.cursor.map_or(0, |cursor| cursor.wrapping_add(1) % count);
    let mut indices = (0..count).map(|step| (start + step) % count).take(BIND_ATTEMPTS_MAX);
    let mut cursor = start;
    // How many addresses in a row others listen on.
    let mut in_use = 0;
    for node in record.nodes.iter_mut().filter(|node| node.address.is_none()) {
        let mut free = indices.by_ref().filter_map(|index| Some((index, plan.address(index)?)));
        loop {
            let (index, address) = free.next().ok_or_else(|| no_free_address(plan))?;
            if in_use >= IN_USE_MAX && matches!(plan, AddressPlan::Loopbacks(_)) {
                return Err(port_in_use(address.bind));
            }
            if seen.taken.contains(&address.endpoint()) {
                continue;
            }
            match probe(address.bind) {
                Ok(()) => {
                    in_use = 0;
                    cursor = index;
                    node.address = Some(address);
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => in_use += 1,
                Err(error) => {
                    let bind = address.bind;
                    return Err(ApiError::Unavailable(format!(
                        "cannot listen on {bind}: {error}; choose addresses of this machine with \
                         --broker-network or --advertise"
                    )));
                }
            }
        }
    }
    Ok(cursor)
}

/// So many addresses are passed over; that others listen on each of them by chance is unlikely.
const IN_USE_MAX: usize = 256;

fn port_in_use(tried: SocketAddr) -> ApiError {
    let port = tried.port();
    ApiError::Unavailable(format!(
        "something else listens on port {port} of all addresses (on 0.0.0.0 or [::]), so no broker \
         can listen on {tried} or its like; stop it ('ss -ltnp sport = :{port}' shows what it is), \
         or give each broker a port of its own from another one on, with --broker-port"
    ))
}

pub(super) fn no_free_address(plan: &AddressPlan) -> ApiError {
    ApiError::Unavailable(match plan {
        AddressPlan::Loopbacks(network) => format!(
            "no address of {network} is free; give a larger --broker-network or delete clusters"
        ),
        AddressPlan::Ports { first, .. } => format!(
            "no port from {first} on is free; give a lower one, with --broker-port or behind the \
             host of --advertise, or delete clusters"
        ),
    })
}

/// Whether something could listen there: listens for a moment.
pub(super) fn probe(address: SocketAddr) -> io::Result<()> {
    TcpListener::bind(address).map(drop)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_port_that_is_listened_on_everywhere_is_named_as_the_cause() {
        let everywhere = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let port = everywhere.local_addr().unwrap().port();
        let error = port_in_use((Ipv4Addr::LOCALHOST, port).into()).to_string();
        assert!(error.contains(&format!("listens on port {port} of all addresses")), "{error}");
        for host in 1..=4 {
            let address = (Ipv4Addr::new(127, 77, 0, host), port).into();
            assert_eq!(probe(address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        }
    }

    #[test]
    fn an_address_that_is_listened_on_cannot_be_probed() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(probe(address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
