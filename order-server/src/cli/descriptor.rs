//! `descriptor`: the compiled contract, for transcoders and generators.

use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use clap::Args;

use super::Failure;

/// Arguments of `descriptor`.
#[derive(Debug, Args)]
pub(super) struct DescriptorArgs {
    /// The file to write; standard output if absent.
    #[arg(long, short)]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &DescriptorArgs) -> Result<(), Failure> {
    match &args.output {
        Some(path) => fs::write(path, order_api::FILE_DESCRIPTOR_SET)
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))?,
        None if io::stdout().is_terminal() => {
            return Err("the descriptor set is binary; redirect it or give --output FILE".into());
        }
        None => io::stdout().write_all(order_api::FILE_DESCRIPTOR_SET)?,
    }
    Ok(())
}
