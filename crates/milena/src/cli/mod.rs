//! The command line: one file per group of commands.

mod broker;
mod cluster;
mod clusters;
mod config;
mod consume;
mod group;
mod kafka;
mod output;
mod produce;
mod start_position;
mod status;
#[cfg(test)]
mod tests;
mod topic;

use std::{pin::Pin, process::ExitCode};

use clap::{
    ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
    error::{Error, ErrorKind},
    parser::ValueSource,
};
use milena_runtime::Runtime;

use crate::{
    serve,
    settings::{DataDirArgs, Settings},
    telemetry,
};

const EXAMPLES: &str = "\
Examples:
  milena                               serve the MSK API and the cluster 'demo' from this machine
  milena serve --data-dir ./data       the same, with everything in ./data
  milena cluster create orders         create a cluster of three brokers in the running milena
  milena topic create books            create a topic in the cluster 'demo' of the running milena
  echo hello | milena produce books    send a record
  milena consume books                 print the records
  milena status                        say whether milena and its clusters are ready

Every setting can come from the command line, the environment (MILENA_…) or a TOML file (--config),
in this order. MILENA_LOG filters the log, for example info or milena_broker=debug;
MILENA_LOG_FORMAT=json logs as JSON.";

/// Managed streaming for Kafka that you run yourself
#[derive(Parser)]
#[command(name = "milena", version, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    data_dir: DataDirArgs,
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Settings,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the MSK API and its clusters (the default)
    #[command(
        after_help = "Example:\n  milena serve --data-dir ./data --listen 127.0.0.1:9085 --no-demo"
    )]
    Serve {
        #[command(flatten)]
        settings: Settings,
    },
    /// Create, list, describe, scale, upgrade and delete clusters of a running milena
    Cluster(cluster::ClusterArgs),
    /// List, kill and restart the brokers of a cluster, and show their configuration
    Broker(broker::BrokerArgs),
    /// Create, change and delete configurations of the MSK API, and apply them to clusters
    Config(config::ConfigArgs),
    /// Create, list, describe, alter and delete topics of a cluster
    Topic(topic::TopicArgs),
    /// List, describe, reset and delete consumer groups of a cluster
    Group(group::GroupArgs),
    Produce(produce::ProduceArgs),
    Consume(consume::ConsumeArgs),
    Status(status::StatusArgs),
    /// Print the release
    #[command(after_help = "Example:\n  milena version")]
    Version,
    /// Print a script with which a shell completes milena's commands and flags
    #[command(after_help = "Examples:\n  source <(milena completion bash)\n  \
                      milena completion zsh > ~/.zfunc/_milena\n  \
                      milena completion fish > ~/.config/fish/completions/milena.fish")]
    Completion {
        /// The shell
        shell: Shell,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Fish,
    Zsh,
}

impl Shell {
    fn write(self) -> anyhow::Result<()> {
        let shell = match self {
            Self::Bash => clap_complete::Shell::Bash,
            Self::Fish => clap_complete::Shell::Fish,
            Self::Zsh => clap_complete::Shell::Zsh,
        };
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "milena", &mut script);
        output::line(String::from_utf8_lossy(&script).trim_end())
    }
}

/// The arguments. Fails where one would be ignored: a flag of `serve` before another command.
fn parse(matches: &ArgMatches) -> Result<Cli, Error> {
    if let Some(command) = matches.subcommand_name() {
        // A subcommand's global arguments are in these matches too, but the root has no such ids.
        let root = Cli::command();
        let own = root
            .get_arguments()
            .map(|argument| argument.get_id().as_str())
            .filter(|id| *id != "data_dir");
        let given = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
        if let Some(id) = { own }.find(given) {
            let flag = id.replace('_', "-");
            let advice = format!(
                "--{flag} belongs behind a command that has it, as in: milena serve --{flag} …"
            );
            return Err(Cli::command()
                .error(ErrorKind::ArgumentConflict, format!("{advice} (not before '{command}')")));
        }
    }
    Cli::from_arg_matches(matches)
}

/// Runs the command.
pub(crate) fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = parse(&matches).unwrap_or_else(|error| error.exit());
    telemetry::start();
    run(cli, &matches).unwrap_or_else(|error| {
        output::error(&error);
        ExitCode::FAILURE
    })
}

fn run(cli: Cli, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let data_dir = cli.data_dir;
    match cli.command {
        None => cli.serve.resolve(matches, data_dir).and_then(serve::run)?,
        Some(Command::Serve { settings }) => {
            let (_, matches) = matches.subcommand().expect("the command that was parsed");
            settings.resolve(matches, data_dir).and_then(serve::run)?;
        }
        Some(Command::Cluster(args)) => {
            client_command(|runtime| Box::pin(cluster::run(args, data_dir, runtime)))?;
        }
        Some(Command::Broker(args)) => {
            client_command(|runtime| Box::pin(broker::run(args, data_dir, runtime)))?;
        }
        Some(Command::Config(args)) => {
            client_command(|runtime| Box::pin(config::run(args, data_dir, runtime)))?;
        }
        Some(Command::Topic(args)) => {
            client_command(|runtime| Box::pin(topic::run(args, data_dir, runtime)))?;
        }
        Some(Command::Group(args)) => {
            client_command(|runtime| Box::pin(group::run(args, data_dir, runtime)))?;
        }
        Some(Command::Produce(args)) => {
            client_command(|runtime| Box::pin(produce::run(args, data_dir, runtime)))?;
        }
        Some(Command::Consume(args)) => {
            client_command(|runtime| Box::pin(consume::run(args, data_dir, runtime)))?;
        }
        Some(Command::Status(args)) => {
            return client_command(|runtime| Box::pin(status::run(args, data_dir, runtime)));
        }
        Some(Command::Version) => output::line(format!("milena {}", env!("CARGO_PKG_VERSION")))?,
        Some(Command::Completion { shell }) => shell.write()?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a command that talks to a running milena: on this thread alone, its tasks ended with it.
fn client_command<'a, T>(
    command: impl FnOnce(Runtime) -> Pin<Box<dyn Future<Output = anyhow::Result<T>> + 'a>>,
) -> anyhow::Result<T> {
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let runtime = Runtime::system();
    let outcome = executor.block_on(command(runtime));
    executor.shutdown_background();
    outcome
}
