//! The settings: from the command line, else the environment (`MILENA_…`), else a TOML file
//! (`--config`), else the default.
//!
//! [`Settings`] declares each setting once: flag, variable, name in the file, default and
//! documentation. `cargo xtask docs` makes the tables in README.md and docs/operations/running.md
//! from it; a default that clap does not know stands at the end of the documentation's first
//! paragraph, as `[default: …]`, and becomes the table's.

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::{
    ArgMatches, Args, Command, FromArgMatches, builder::BoolishValueParser, parser::ValueSource,
};
use milena_service::{AddressPlan, LoopbackNetwork, PLAINTEXT_PORT};
use serde::{Deserialize, Serialize};

use crate::{advertise::Advertised, memory::Division};

pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:8085";
pub(crate) const DEFAULT_REGION: &str = "us-east-1";
const DEFAULT_ACCOUNT: &str = "000000000000";
/// More threads than any machine has processors only fail to start.
const THREADS_MAX: usize = 1024;
/// Refuses a slip of the keyboard.
const CACHE_MIB_MAX: u64 = 16 << 20;
const MEMORY_MIB: RangeInclusive<u64> = 256..=(16 << 20);
const FLUSH_MIB: RangeInclusive<u64> = 8..=4096;

/// The directory of one installation's data.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct DataDirArgs {
    /// The directory that holds everything [default: `milena` in the user's data directory]
    #[arg(long, env = "MILENA_DATA_DIR", value_name = "DIR", global = true)]
    pub(crate) data_dir: Option<PathBuf>,
}

impl DataDirArgs {
    /// The directory: as given, or the user's.
    pub(crate) fn resolve(&self) -> anyhow::Result<PathBuf> {
        self.data_dir.clone().map_or_else(user_data_dir, Ok)
    }
}

/// The settings of `serve`, as flags and as names in the file.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Where the MSK API listens
    #[arg(long, env = "MILENA_LISTEN", value_name = "ADDR:PORT", default_value = DEFAULT_LISTEN)]
    pub(crate) listen: SocketAddr,
    /// The loopback network that brokers get an address each of, on Linux [default:
    /// `127.77.0.0/16`]
    #[arg(long, env = "MILENA_BROKER_NETWORK", value_name = "NETWORK")]
    broker_network: Option<String>,
    /// The host name or address that clients reach this machine by: brokers then share it, with a
    /// port each, from the given one on
    ///
    /// An IPv6 address with a port stands in brackets. It may be changed: at the next start the
    /// brokers of existing clusters move too.
    #[arg(long, env = "MILENA_ADVERTISE", value_name = "HOST[:PORT]")]
    advertise: Option<Advertised>,
    /// The first port where brokers share one address [default: `9092`]
    #[arg(long, env = "MILENA_BROKER_PORT", value_name = "PORT")]
    broker_port: Option<u16>,
    /// Do not create the cluster `demo`
    #[arg(long, env = "MILENA_NO_DEMO", value_parser = BoolishValueParser::new())]
    pub(crate) no_demo: bool,
    /// Accept API requests without a signature; only on a loopback address
    #[arg(long, env = "MILENA_NO_AUTH", value_parser = BoolishValueParser::new())]
    pub(crate) no_auth: bool,
    /// The region in ARNs and signatures
    #[arg(long, env = "MILENA_REGION", value_name = "REGION", default_value = DEFAULT_REGION)]
    pub(crate) region: String,
    /// The account in ARNs, 12 digits
    #[arg(long, env = "MILENA_ACCOUNT", value_name = "ACCOUNT", default_value = DEFAULT_ACCOUNT)]
    pub(crate) account: String,
    /// Worker threads [default: one per processor]
    #[arg(long, env = "MILENA_THREADS", value_name = "NUMBER")]
    pub(crate) threads: Option<usize>,
    /// Records per broker, in MiB, that wait in the write-ahead log until they become segments
    /// together
    ///
    /// More makes fewer and larger segments, for up to three times as much memory and a longer
    /// start after a crash. It is less where there is little memory: with 1024 MiB at most 32.
    #[arg(long, env = "MILENA_FLUSH_MIB", value_name = "MIB", default_value = "64")]
    pub(crate) flush_mib: u64,
    /// Memory for everything, in MiB [default: the machine's, or what the control groups of the
    /// process allow]
    #[arg(long, env = "MILENA_MEMORY_MIB", value_name = "MIB")]
    memory_mib: Option<u64>,
    /// Memory for blocks read from segments, in MiB [default: an eighth of `--memory-mib`, at most
    /// 4096]
    #[arg(long, env = "MILENA_CACHE_MIB", value_name = "MIB")]
    cache_mib: Option<u64>,
    /// A TOML file with any of these settings, named as the flags are
    #[arg(long, env = "MILENA_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// Subnet ids to zone ids; in the file only.
    #[arg(skip)]
    #[serde(skip_serializing)]
    pub(crate) subnets: BTreeMap<String, String>,
    /// The flag is [`DataDirArgs`]'.
    #[arg(skip)]
    data_dir: Option<PathBuf>,
}

impl Default for Settings {
    /// The defaults of the flags, without the environment.
    fn default() -> Self {
        let command = Self::augment_args(Command::new("serve").no_binary_name(true));
        let matches = command.mut_args(|arg| arg.env(None)).get_matches_from([""; 0]);
        Self::from_arg_matches(&matches).expect("every setting has a default or is optional")
    }
}

impl Settings {
    /// The settings of a process: these flags, which `matches` has the origin of, over the file
    /// over the defaults.
    pub(crate) fn resolve(
        self,
        matches: &ArgMatches,
        data_dir: DataDirArgs,
    ) -> anyhow::Result<Self> {
        let mut table = toml::Table::try_from(&self).context("a setting is out of range")?;
        let is_given = |name: &str| {
            matches!(
                matches.value_source(&name.replace('-', "_")),
                Some(ValueSource::CommandLine | ValueSource::EnvVariable)
            )
        };
        for (name, value) in self.config.as_deref().map(read_file).transpose()?.unwrap_or_default()
        {
            if !(table.contains_key(&name) && is_given(&name)) {
                table.insert(name, value);
            }
        }
        let mut settings: Self = table.try_into()?;
        let data_dir = data_dir.data_dir.or(settings.data_dir.take());
        settings.data_dir = Some(data_dir.map_or_else(user_data_dir, Ok)?);
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> anyhow::Result<()> {
        let Self { account, region, listen, .. } = self;
        if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            bail!("the account '{account}' is not 12 digits; give one such as {DEFAULT_ACCOUNT}");
        }
        let is_region_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if region.is_empty() || !region.bytes().all(is_region_byte) {
            bail!("the region '{region}' is not one; give one such as {DEFAULT_REGION}");
        }
        if self.no_auth && !listen.ip().is_loopback() {
            bail!(
                "--no-auth is for loopback addresses only; leave it out, or listen on 127.0.0.1 \
                 instead of {listen}"
            );
        }
        if self.threads.is_some_and(|threads| !(1..=THREADS_MAX).contains(&threads)) {
            bail!("--threads must be 1 to {THREADS_MAX}");
        }
        for (subnet, zone) in &self.subnets {
            if !subnet.starts_with("subnet-") || zone.is_empty() {
                bail!(
                    "'{subnet}' = '{zone}' is no subnet and its zone; write subnet-0a1b = \
                     \"use1-az1\""
                );
            }
        }
        if self.memory_mib.is_some_and(|mib| !MEMORY_MIB.contains(&mib)) {
            bail!("--memory-mib must be from {} to {}", MEMORY_MIB.start(), MEMORY_MIB.end());
        }
        if !(1..=CACHE_MIB_MAX).contains(&self.cache_mib()) {
            bail!("--cache-mib must be from 1 to {CACHE_MIB_MAX}");
        }
        if !FLUSH_MIB.contains(&self.flush_mib) {
            bail!("--flush-mib must be from {} to {}", FLUSH_MIB.start(), FLUSH_MIB.end());
        }
        self.addresses().map(drop)
    }

    pub(crate) fn data_dir(&self) -> &Path {
        self.data_dir.as_deref().expect("settings are resolved before they are used")
    }

    /// The memory of the process, divided.
    pub(crate) fn memory(&self) -> Division {
        self.memory_mib.map_or_else(Division::of_this_process, Division::new)
    }

    /// What all brokers together keep of segments in memory.
    pub(crate) fn cache_mib(&self) -> u64 {
        self.cache_mib.unwrap_or_else(|| self.memory().cache_mib())
    }

    /// The addresses of brokers: a loopback address each where the system has them and no other
    /// setting was given, else a port each.
    pub(crate) fn addresses(&self) -> anyhow::Result<AddressPlan> {
        let Self { broker_network: network, advertise, broker_port, .. } = self;
        let advertised_port = advertise.as_ref().and_then(|advertised| advertised.port);
        let port = &broker_port.or(advertised_port);
        if network.is_some() && (advertise.is_some() || port.is_some()) {
            bail!(
                "--broker-network gives each broker an address; leave it out, or --advertise and \
                 --broker-port"
            );
        }
        if let (Some(port), Some(advertised)) = (broker_port, advertised_port)
            && *port != advertised
        {
            bail!(
                "--advertise has the port {advertised}, and --broker-port is {port}; leave one out"
            );
        }
        if *port == Some(0) {
            bail!("--broker-port must be at least 1; clients need to know it");
        }
        let is_linux = cfg!(target_os = "linux");
        if let Some(network) = network {
            if !is_linux {
                bail!(
                    "--broker-network needs Linux, where all of 127.0.0.0/8 is local; leave it out"
                );
            }
            return Ok(AddressPlan::Loopbacks(network.parse().map_err(anyhow::Error::msg)?));
        }
        if is_linux && advertise.is_none() && port.is_none() {
            return Ok(AddressPlan::Loopbacks(LoopbackNetwork::DEFAULT));
        }
        let (bind, host) = match advertise {
            None => (IpAddr::V4(Ipv4Addr::LOCALHOST), Ipv4Addr::LOCALHOST.to_string()),
            Some(advertised) => (advertised.bind(), advertised.host.clone()),
        };
        Ok(AddressPlan::Ports { bind, host, first: port.unwrap_or(PLAINTEXT_PORT) })
    }

    /// Whether it was said where brokers listen, so that those of existing clusters move too.
    pub(crate) fn says_addresses(&self) -> bool {
        self.advertise.is_some() || self.broker_port.is_some() || self.broker_network.is_some()
    }

    /// Whether others reach the API and only this machine the brokers.
    pub(crate) fn hides_brokers(&self) -> bool {
        !self.listen.ip().is_loopback() && self.advertise.is_none()
    }

    /// Whether the commands find the data directory without being told.
    pub(crate) fn has_default_data_dir(&self) -> bool {
        user_data_dir().is_ok_and(|dir| dir == self.data_dir())
    }
}

/// The settings in a file, by name.
fn read_file(path: &Path) -> anyhow::Result<toml::Table> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration {shown}; check --config"))?;
    let cannot_understand = || format!("cannot understand the configuration {shown}");
    // Read as settings first: those errors name the line.
    toml::from_str::<Settings>(&text).with_context(cannot_understand)?;
    text.parse().with_context(cannot_understand)
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

    /// The settings of a command line and a file.
    fn resolve(file: &str, flags: &[&str]) -> anyhow::Result<Settings> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("milena.toml");
        fs::write(&path, file).unwrap();
        let command = Settings::augment_args(Command::new("serve").no_binary_name(true));
        let config = ["--config", path.to_str().unwrap()];
        let matches =
            command.mut_args(|arg| arg.env(None)).get_matches_from(config.iter().chain(flags));
        let settings = Settings::from_arg_matches(&matches).unwrap();
        settings.resolve(&matches, DataDirArgs { data_dir: Some("/data".into()) })
    }

    #[test]
    fn flags_go_before_the_file_and_the_file_before_defaults() {
        let file = "listen = '127.0.0.1:1'\nregion = 'eu-west-1'\nno-demo = true\ndata-dir = '/x'\n\
                    [subnets]\nsubnet-a = 'euw1-az3'\n";
        let settings = resolve(file, &["--listen", "127.0.0.1:2", "--threads", "3"]).unwrap();
        assert_eq!(
            (settings.listen.port(), settings.region.as_str(), settings.no_demo),
            (2, "eu-west-1", true)
        );
        assert_eq!((settings.account.as_str(), settings.no_auth), (DEFAULT_ACCOUNT, false));
        assert_eq!((settings.threads, settings.flush_mib), (Some(3), 64));
        assert_eq!(settings.subnets["subnet-a"], "euw1-az3");
        assert_eq!(settings.data_dir(), Path::new("/data"));
        // A flag that says the default is a flag too.
        let settings = resolve(file, &["--region", DEFAULT_REGION]).unwrap();
        assert_eq!(settings.region, DEFAULT_REGION);
    }

    #[test]
    fn what_cannot_be_is_refused_with_advice() {
        let cases: [(&str, &str); 12] = [
            ("listn = 'x'", "listn"),
            ("\nlisten = 5", "line 2"),
            ("listen = '0.0.0.0:1'\nno-auth = true", "--no-auth"),
            ("account = '12'", "12 digits"),
            ("broker-network = '10.0.0.0/8'", "127.77.0.0/16"),
            ("broker-network = '127.1.0.0/16'\nadvertise = 'h'", "leave it out"),
            ("threads = 0", "1 to 1024"),
            ("threads = 100000", "1 to 1024"),
            ("advertise = ''", "kafka.example:9092"),
            ("advertise = 'h:1'\nbroker-port = 2", "leave one out"),
            ("broker-port = 0", "at least 1"),
            ("[subnets]\na = 'use1-az1'", "subnet-"),
        ];
        for (file, words) in cases {
            let error = format!("{:#}", resolve(file, &[]).unwrap_err());
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn an_advertised_host_means_one_port_per_broker() {
        let settings = resolve("", &["--advertise", "kafka.example"]).unwrap();
        let bind = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let plan = AddressPlan::Ports { bind, host: "kafka.example".into(), first: 9092 };
        assert_eq!(settings.addresses().unwrap(), plan);
        assert!(settings.says_addresses() && !resolve("", &[]).unwrap().says_addresses());
        let settings = resolve("advertise = '[::1]:9192'", &[]).unwrap();
        let bind = "::".parse().unwrap();
        let plan = AddressPlan::Ports { bind, host: "::1".into(), first: 9192 };
        assert_eq!(settings.addresses().unwrap(), plan);
    }

    #[test]
    fn an_api_for_others_with_brokers_for_none_is_noticed() {
        let hides = |flags: &[&str]| resolve("", flags).unwrap().hides_brokers();
        assert!(hides(&["--listen", "0.0.0.0:8085"]) && !hides(&[]));
        assert!(!hides(&["--listen", "0.0.0.0:8085", "--advertise", "kafka.example"]));
    }
}

/// The tables of README.md and docs/operations/running.md.
#[cfg(test)]
mod documentation {
    use clap::Arg;
    use milena_testkit::documents::check_part;

    use super::*;
    use crate::telemetry;

    /// Before a default in a setting's documentation that clap does not know.
    const DEFAULT: &str = " [default: ";

    /// A row: flag with its value, variable, default, meaning.
    struct Row {
        flag: String,
        variable: String,
        default: String,
        text: String,
    }

    /// A setting, with its whole documentation or its first sentence.
    fn row(arg: &Arg, in_full: bool) -> Row {
        let flag = format!("--{}", arg.get_long().unwrap());
        let value = arg.get_value_names().filter(|_| arg.get_action().takes_values());
        let value = value.map(|names| names[0].as_str());
        let flag = [Some(flag.as_str()), value].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let variable = arg.get_env().unwrap().to_str().unwrap().to_owned();
        let help = arg.get_help().unwrap().to_string();
        let all = arg.get_long_help().filter(|_| in_full).map(ToString::to_string);
        let all = all.unwrap_or(help).replace("\n\n", ". ");
        let (text, default) = match all.split_once(DEFAULT) {
            Some((text, default)) => (text, default.trim_end_matches(']').to_owned()),
            None => {
                let default = arg.get_default_values().first().filter(|_| value.is_some());
                (
                    &*all,
                    default.map_or("-".to_owned(), |default| format!("`{}`", default.display())),
                )
            }
        };
        Row { flag: format!("`{flag}`"), variable, default, text: text.to_owned() }
    }

    fn rows(in_full: bool) -> Vec<Row> {
        let command = DataDirArgs::augment_args(Command::new("milena"));
        let command = Settings::augment_args(command);
        let settings = command.get_arguments().map(|arg| row(arg, in_full));
        let variables = telemetry::VARIABLES.into_iter().map(|(variable, default, text)| Row {
            flag: String::new(),
            variable: variable.to_owned(),
            default: default.to_owned(),
            text: text.to_owned(),
        });
        settings.chain(variables).collect()
    }

    fn table(in_full: bool) -> String {
        let mut table = "| Flag | Variable | Default | |\n|---|---|---|---|\n".to_owned();
        for Row { flag, variable, default, text } in rows(in_full) {
            table += &format!("| {flag} | `{variable}` | {default} | {text} |\n");
        }
        table
    }

    #[test]
    fn document_lists_the_settings() {
        check_part("README.md", "settings", &table(false));
        check_part("docs/operations/running.md", "settings", &table(true));
    }

    #[test]
    fn every_row_says_its_default_or_that_there_is_none() {
        for Row { variable, default, text, .. } in rows(true).into_iter().chain(rows(false)) {
            assert!(!default.trim().is_empty(), "{variable}");
            // A default that is not parsed stays in the text.
            assert!(!text.contains("[default"), "{variable}: {text}");
        }
    }
}
