//! The command line: one subcommand, and every setting as a flag or an environment variable.

mod descriptor;
mod healthcheck;
mod migrate;
mod serve;
mod token;
mod verify;
mod welcome;

use std::{error::Error, io::Write as _, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    config::{Config, ConfigErrors, Purpose, Raw},
    demo,
    import::{self, command::ImportArgs},
};

/// What a subcommand may fail with; shown to the operator, so it holds no secret.
type Failure = Box<dyn Error>;

/// An order service over gRPC, on PostgreSQL or an embedded SQLite database.
#[derive(Debug, Parser)]
#[command(name = "order-server", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Raw,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API (the default).
    Serve,
    /// Apply missing migrations.
    Migrate,
    /// Take orders over from another system.
    Import(ImportArgs),
    /// Look whether what is stored agrees with itself; a running service may go on meanwhile.
    Verify(verify::VerifyArgs),
    /// Start a server of its own and play a customer's and an administrator's day on it.
    Demo,
    /// Print a token for a customer, an administrator or a service.
    Token(token::TokenArgs),
    /// Ask a running server whether it is healthy; for containers without a shell.
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Write the compiled contract, a FileDescriptorSet with all imports.
    Descriptor(descriptor::DescriptorArgs),
    /// Judge the configuration and print it without its secrets.
    CheckConfig,
}

impl Cli {
    /// Runs the subcommand. Exits with 0, with 1 if it failed, with 2 if the configuration or the command line is wrong.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let outcome = match self.command.unwrap_or(Command::Serve) {
            Command::Serve => self::serve::run(&self.settings),
            Command::Migrate => migrate::run(&self.settings),
            Command::Import(args) => import::command::run(&self.settings, &args),
            Command::Verify(args) => verify::run(&self.settings, args),
            Command::Demo => demo::run(&self.settings),
            Command::Token(args) => token::run(&self.settings, args),
            Command::Healthcheck(args) => healthcheck::run(&self.settings, &args),
            Command::Descriptor(args) => descriptor::run(&args),
            Command::CheckConfig => check_config(&self.settings),
        };
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                // Not `eprintln!`, which would panic where nobody reads what went wrong.
                let _unread = writeln!(std::io::stderr(), "order-server: {error}");
                ExitCode::from(if error.is::<ConfigErrors>() { 2 } else { 1 })
            }
        }
    }
}

/// Writes to standard output. A reader that has gone away has read enough; `println!` would panic.
fn say(text: &str) -> Result<(), Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Judges the configuration as `serve` would.
fn check_config(settings: &Raw) -> Result<(), Failure> {
    say(&Config::resolve(settings, Purpose::Serve)?.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::config::setting::SETTINGS;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_setting_is_a_flag_with_its_variable() {
        let command = Cli::command();
        for setting in SETTINGS {
            let argument = command.get_arguments().find(|argument| argument.get_id() == setting.env);
            let argument = argument.unwrap_or_else(|| panic!("{} is no flag", setting.env));
            assert_eq!(argument.get_long(), Some(setting.flag().as_str()));
            assert_eq!(argument.get_env().and_then(|name| name.to_str()), Some(setting.env));
            assert!(argument.is_hide_env_values_set());
        }
    }

    #[test]
    fn settings_may_stand_before_and_after_the_subcommand() {
        for line in [
            ["order-server", "--listen-addr", "127.0.0.1:1", "check-config"],
            ["order-server", "check-config", "--listen-addr", "127.0.0.1:1"],
        ] {
            let cli = Cli::try_parse_from(line).unwrap();
            assert_eq!(cli.settings.get("LISTEN_ADDR"), Some("127.0.0.1:1"));
        }
    }
}
