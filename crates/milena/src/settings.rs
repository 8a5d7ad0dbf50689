//! What can be set: on the command line, else in the environment (`MILENA_…`), else in a TOML file
//! (`--config`), else by default.

use std::{
    collections::BTreeMap, fs, net::SocketAddr, ops::RangeInclusive, path::Path, path::PathBuf,
};

use anyhow::{Context, bail};
use clap::{Args, builder::FalseyValueParser};
use milena_service::{LoopbackNetwork, PLAINTEXT_PORT};
use serde::Deserialize;

use crate::memory;

pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:8085";
pub(crate) const DEFAULT_REGION: &str = "us-east-1";
/// More of them than any machine has processors only fail to start.
const THREADS_MAX: usize = 1024;
/// More is a slip of the keyboard.
const CACHE_MIB_MAX: u64 = 16 << 20;
const FLUSH_MIB_DEFAULT: u64 = 64;
const FLUSH_MIB: RangeInclusive<u64> = 8..=4096;
const DEFAULT_ACCOUNT: &str = "000000000000";

/// Where everything of one installation is.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct DataDirArgs {
    /// The directory that holds everything [default: milena in the user's data directory]
    #[arg(long, env = "MILENA_DATA_DIR", value_name = "DIR", global = true)]
    pub(crate) data_dir: Option<PathBuf>,
}

impl DataDirArgs {
    /// The directory: as given, or the user's.
    pub(crate) fn resolve(&self) -> anyhow::Result<PathBuf> {
        self.data_dir.clone().map_or_else(user_data_dir, Ok)
    }
}

/// The flags of `serve`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ServeArgs {
    /// A TOML file with any of these settings, named as the flags are
    #[arg(long, env = "MILENA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the MSK API listens [default: 127.0.0.1:8085]
    #[arg(long, env = "MILENA_LISTEN", value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// The host name or address that clients reach this machine by: brokers then share it, with a
    /// port each
    #[arg(long, env = "MILENA_ADVERTISE", value_name = "HOST")]
    advertise: Option<String>,
    /// The loopback network that brokers get an address each of, on Linux [default: 127.77.0.0/16]
    #[arg(long, env = "MILENA_BROKER_NETWORK", value_name = "NETWORK")]
    broker_network: Option<String>,
    /// The first port where brokers share one address [default: 9092]
    #[arg(long, env = "MILENA_BROKER_PORT", value_name = "PORT")]
    broker_port: Option<u16>,
    /// Do not create the cluster 'demo'
    #[arg(long, env = "MILENA_NO_DEMO", value_parser = FalseyValueParser::new())]
    no_demo: bool,
    /// Accept API requests without a signature; only on a loopback address
    #[arg(long, env = "MILENA_NO_AUTH", value_parser = FalseyValueParser::new())]
    no_auth: bool,
    /// The region in ARNs and signatures [default: us-east-1]
    #[arg(long, env = "MILENA_REGION", value_name = "REGION")]
    region: Option<String>,
    /// The account in ARNs, 12 digits [default: 000000000000]
    #[arg(long, env = "MILENA_ACCOUNT", value_name = "ACCOUNT")]
    account: Option<String>,
    /// Worker threads [default: one per processor]
    #[arg(long, env = "MILENA_THREADS", value_name = "NUMBER")]
    threads: Option<usize>,
    /// Memory for what is read from segments, in MiB [default: an eighth of the machine's, 4096 at
    /// most]
    #[arg(long, env = "MILENA_CACHE_MIB", value_name = "MIB")]
    cache_mib: Option<u64>,
    /// Records per broker, in MiB, that wait in the write-ahead log until they become segments
    /// together: fewer and larger segments, for up to three times as much memory and a longer
    /// start after a crash [default: 64]
    #[arg(long, env = "MILENA_FLUSH_MIB", value_name = "MIB")]
    flush_mib: Option<u64>,
}

/// The settings as a file has them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct File {
    data_dir: Option<PathBuf>,
    listen: Option<SocketAddr>,
    advertise: Option<String>,
    broker_network: Option<String>,
    broker_port: Option<u16>,
    no_demo: bool,
    no_auth: bool,
    region: Option<String>,
    account: Option<String>,
    threads: Option<usize>,
    cache_mib: Option<u64>,
    flush_mib: Option<u64>,
    /// Subnet ids to zone ids.
    subnets: BTreeMap<String, String>,
}

/// Where brokers listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BrokerAddresses {
    /// An address of a loopback network each.
    Loopbacks(LoopbackNetwork),
    /// A port each; the host that clients are told, if it is not the loopback address itself.
    Ports { advertise: Option<String>, first: u16 },
}

/// Everything that `serve` does as it was set.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) brokers: BrokerAddresses,
    pub(crate) demo: bool,
    pub(crate) auth: bool,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) threads: Option<usize>,
    /// What all brokers together keep of segments in memory.
    pub(crate) cache_mib: u64,
    /// What of each broker becomes segments together.
    pub(crate) flush_mib: u64,
    pub(crate) subnets: BTreeMap<String, String>,
}

impl Settings {
    /// Flags and environment over the file over the defaults.
    pub(crate) fn resolve(data_dir: DataDirArgs, flags: ServeArgs) -> anyhow::Result<Self> {
        let file = flags.config.as_deref().map(read_file).transpose()?.unwrap_or_default();
        let data_dir = data_dir.data_dir.or(file.data_dir).map_or_else(user_data_dir, Ok)?;
        let listen = flags.listen.or(file.listen);
        let listen =
            listen.unwrap_or_else(|| DEFAULT_LISTEN.parse().expect("the default is an address"));
        let account = flags.account.or(file.account).unwrap_or_else(|| DEFAULT_ACCOUNT.to_owned());
        if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            bail!("the account '{account}' is not 12 digits; give one such as {DEFAULT_ACCOUNT}");
        }
        let region = flags.region.or(file.region).unwrap_or_else(|| DEFAULT_REGION.to_owned());
        if region.is_empty()
            || !region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        {
            bail!("the region '{region}' is not one; give one such as {DEFAULT_REGION}");
        }
        let auth = !(flags.no_auth || file.no_auth);
        if !auth && !listen.ip().is_loopback() {
            bail!(
                "--no-auth is for loopback addresses only; leave it out, or listen on 127.0.0.1 instead of {listen}"
            );
        }
        let threads = flags.threads.or(file.threads);
        if threads.is_some_and(|threads| !(1..=THREADS_MAX).contains(&threads)) {
            bail!("--threads must be 1 to {THREADS_MAX}");
        }
        for (subnet, zone) in &file.subnets {
            if !subnet.starts_with("subnet-") || zone.is_empty() {
                bail!(
                    "'{subnet}' = '{zone}' is no subnet and its zone; write subnet-0a1b = \"use1-az1\""
                );
            }
        }
        let cache_mib =
            flags.cache_mib.or(file.cache_mib).unwrap_or_else(memory::cache_mib_default);
        if !(1..=CACHE_MIB_MAX).contains(&cache_mib) {
            bail!("--cache-mib must be from 1 to {CACHE_MIB_MAX}");
        }
        let flush_mib = flags.flush_mib.or(file.flush_mib).unwrap_or(FLUSH_MIB_DEFAULT);
        if !FLUSH_MIB.contains(&flush_mib) {
            bail!("--flush-mib must be from {} to {}", FLUSH_MIB.start(), FLUSH_MIB.end());
        }
        let brokers = broker_addresses(
            flags.advertise.or(file.advertise),
            flags.broker_network.or(file.broker_network),
            flags.broker_port.or(file.broker_port),
        )?;
        let demo = !(flags.no_demo || file.no_demo);
        Ok(Self {
            data_dir,
            listen,
            brokers,
            demo,
            auth,
            region,
            account,
            threads,
            cache_mib,
            flush_mib,
            subnets: file.subnets,
        })
    }
}

/// Loopback addresses where the system has them and nothing else was asked for.
fn broker_addresses(
    advertise: Option<String>,
    network: Option<String>,
    port: Option<u16>,
) -> anyhow::Result<BrokerAddresses> {
    if network.is_some() && (advertise.is_some() || port.is_some()) {
        bail!(
            "--broker-network gives each broker an address; leave it out, or --advertise and --broker-port"
        );
    }
    if advertise.as_ref().is_some_and(|host| host.trim().is_empty()) {
        bail!("--advertise needs the host name or address that clients reach this machine by");
    }
    if port == Some(0) {
        bail!("--broker-port must be at least 1; clients need to know it");
    }
    if let Some(network) = network {
        if !cfg!(target_os = "linux") {
            bail!("--broker-network needs Linux, where all of 127.0.0.0/8 is local; leave it out");
        }
        return Ok(BrokerAddresses::Loopbacks(network.parse().map_err(anyhow::Error::msg)?));
    }
    if advertise.is_some() || port.is_some() || !cfg!(target_os = "linux") {
        return Ok(BrokerAddresses::Ports { advertise, first: port.unwrap_or(PLAINTEXT_PORT) });
    }
    Ok(BrokerAddresses::Loopbacks(LoopbackNetwork::DEFAULT))
}

fn read_file(path: &Path) -> anyhow::Result<File> {
    let text = fs::read_to_string(path).with_context(|| {
        format!("cannot read the configuration {}; check --config", path.display())
    })?;
    toml::from_str(&text)
        .with_context(|| format!("cannot understand the configuration {}", path.display()))
}

/// `milena` in the place that the user's system has for programs' data.
fn user_data_dir() -> anyhow::Result<PathBuf> {
    let directory =
        |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || directory("HOME");
    let base = if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library/Application Support"))
    } else {
        directory("XDG_DATA_HOME")
            .filter(|dir| dir.is_absolute())
            .or_else(|| home().map(|home| home.join(".local/share")))
    };
    Ok(base
        .context("there is no home directory to keep data in; say where with --data-dir DIR")?
        .join("milena"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(file: &str, change: impl FnOnce(&mut ServeArgs)) -> anyhow::Result<Settings> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("milena.toml");
        fs::write(&path, file).unwrap();
        let mut flags = ServeArgs { config: Some(path), ..ServeArgs::default() };
        change(&mut flags);
        Settings::resolve(DataDirArgs { data_dir: Some("/data".into()) }, flags)
    }

    #[test]
    fn flags_go_before_the_file_and_the_file_before_defaults() {
        let file = "listen = '127.0.0.1:1'\nregion = 'eu-west-1'\nno-demo = true\n[subnets]\nsubnet-a = 'euw1-az3'\n";
        let settings =
            resolve(file, |flags| flags.listen = Some("127.0.0.1:2".parse().unwrap())).unwrap();
        assert_eq!(
            (settings.listen.port(), settings.region.as_str(), settings.demo),
            (2, "eu-west-1", false)
        );
        assert_eq!((settings.account.as_str(), settings.auth), (DEFAULT_ACCOUNT, true));
        assert_eq!(settings.subnets["subnet-a"], "euw1-az3");
        assert_eq!(settings.data_dir, PathBuf::from("/data"));
    }

    #[test]
    fn what_cannot_be_is_refused_with_advice() {
        let cases: [(&str, &str); 10] = [
            ("listn = 'x'", "listn"),
            ("listen = '0.0.0.0:1'\nno-auth = true", "--no-auth"),
            ("account = '12'", "12 digits"),
            ("broker-network = '10.0.0.0/8'", "127.77.0.0/16"),
            ("broker-network = '127.1.0.0/16'\nadvertise = 'h'", "leave it out"),
            ("threads = 0", "1 to 1024"),
            ("threads = 100000", "1 to 1024"),
            ("advertise = ''", "--advertise"),
            ("broker-port = 0", "at least 1"),
            ("[subnets]\na = 'use1-az1'", "subnet-"),
        ];
        for (file, words) in cases {
            let error = format!("{:#}", resolve(file, |_| {}).unwrap_err());
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn an_advertised_host_means_one_port_per_broker() {
        let settings = resolve("", |flags| flags.advertise = Some("kafka.example".into())).unwrap();
        let advertise = Some("kafka.example".to_owned());
        assert_eq!(settings.brokers, BrokerAddresses::Ports { advertise, first: 9092 });
    }
}
