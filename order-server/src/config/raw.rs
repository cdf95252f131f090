//! What was given on the command line and in the environment, before anybody has judged it.

use std::{collections::BTreeMap, ffi::OsString};

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use super::setting::{Exposure, SETTINGS};

/// Given values by the name of their variable. Everything is text: clap would stop at the first value it cannot parse,
/// and whoever repairs a configuration wants to hear of all mistakes at once.
///
/// `Debug` shows the names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Raw(BTreeMap<&'static str, String>);

impl Raw {
    /// The value of a setting; `None` if it was not given, or given empty, as templates of deployments do.
    #[must_use]
    pub fn get(&self, env: &str) -> Option<&str> {
        self.0.get(env).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// Values for tests and for `demo`, by the names of their variables.
    ///
    /// # Panics
    /// If a name is not in the table of settings.
    #[must_use]
    pub fn of<'a>(values: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let known = |name: &str| {
            let found = SETTINGS.iter().find(|setting| setting.env == name);
            found.unwrap_or_else(|| panic!("there is no setting {name}")).env
        };
        Self(values.into_iter().map(|(name, value)| (known(name), value)).collect())
    }

    /// The same values, some replaced or added.
    #[must_use]
    pub fn with<'a>(mut self, values: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        self.0.extend(Self::of(values).0);
        self
    }
}

impl std::fmt::Debug for Raw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Args for Raw {
    fn augment_args(command: Command) -> Command {
        command.next_help_heading("Settings").args(SETTINGS.iter().map(|setting| {
            let help = format!("{} [default: {}]", setting.meaning, setting.default_text());
            Arg::new(setting.env)
                .long(setting.flag())
                .env(setting.env)
                .hide_env_values(true)
                .value_name(match setting.exposure {
                    Exposure::Shown => "VALUE",
                    Exposure::Secret => "SECRET",
                    Exposure::Url => "URL",
                })
                .global(true)
                .value_parser(clap::value_parser!(OsString))
                .help(help)
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Raw {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |name: &str| matches.get_one::<OsString>(name).map(|text| text.to_string_lossy().into_owned());
        Ok(Self(SETTINGS.iter().filter_map(|setting| Some((setting.env, given(setting.env)?))).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.extend(Self::from_arg_matches(matches)?.0);
        Ok(())
    }
}
