//! The command line: one file per group of commands.

mod broker;
mod cluster;
mod consume;
mod kafka;
mod output;
mod produce;
mod start_position;
#[cfg(test)]
mod tests;
mod topic;

use std::{pin::Pin, process::ExitCode};

use clap::{
    ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand,
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
    /// Create, list, describe and delete clusters of a running milena
    Cluster(cluster::ClusterArgs),
    /// List, kill and restart the brokers of a cluster
    Broker(broker::BrokerArgs),
    /// Create, list, describe and delete topics of a cluster
    Topic(topic::TopicArgs),
    Produce(produce::ProduceArgs),
    Consume(consume::ConsumeArgs),
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
    let outcome = match cli.command {
        None => cli.serve.resolve(&matches, cli.data_dir).and_then(serve::run),
        Some(Command::Serve { settings }) => {
            let (_, matches) = matches.subcommand().expect("the command that was parsed");
            settings.resolve(matches, cli.data_dir).and_then(serve::run)
        }
        Some(Command::Cluster(args)) => {
            client_command(|runtime| Box::pin(cluster::run(args, cli.data_dir, runtime)))
        }
        Some(Command::Broker(args)) => {
            client_command(|runtime| Box::pin(broker::run(args, cli.data_dir, runtime)))
        }
        Some(Command::Topic(args)) => {
            client_command(|runtime| Box::pin(topic::run(args, cli.data_dir, runtime)))
        }
        Some(Command::Produce(args)) => {
            client_command(|runtime| Box::pin(produce::run(args, cli.data_dir, runtime)))
        }
        Some(Command::Consume(args)) => {
            client_command(|runtime| Box::pin(consume::run(args, cli.data_dir, runtime)))
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Runs a command that talks to a running milena: on this thread alone, its tasks ended with it.
fn client_command<'a>(
    command: impl FnOnce(Runtime) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>,
) -> anyhow::Result<()> {
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let runtime = Runtime::system();
    let outcome = executor.block_on(command(runtime));
    executor.shutdown_background();
    outcome
}
