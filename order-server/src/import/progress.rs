//! How far an import, or a verification, is: a bar on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal as _};

use indicatif::{ProgressBar, ProgressStyle};

/// Lines of a whole run where there is no terminal.
const LINES: usize = 10;

/// Shows progress on standard error, so that standard output holds nothing but the result.
pub(crate) enum Progress {
    Bar(ProgressBar),
    Lines { total: usize, every: usize },
}

impl Progress {
    /// Nothing of `total` orders is done.
    pub(crate) fn new(total: usize) -> Self {
        if !io::stderr().is_terminal() {
            return Self::Lines { total, every: total.div_ceil(LINES).max(1) };
        }
        let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
        let style = ProgressStyle::with_template("{bar:40.cyan/dim} {human_pos} of {human_len} orders, {eta} left");
        Self::Bar(bar.with_style(style.expect("the template is constant and well formed")))
    }

    /// So many are done.
    pub(crate) fn at(&self, done: usize) {
        match self {
            Self::Bar(bar) => bar.set_position(u64::try_from(done).unwrap_or(u64::MAX)),
            Self::Lines { total, every } => {
                if done.is_multiple_of(*every) || done == *total {
                    eprintln!("{done} of {total} orders");
                }
            }
        }
    }

    /// It is over, well or not.
    pub(crate) fn end(&self) {
        match self {
            Self::Bar(bar) => bar.finish_and_clear(),
            Self::Lines { .. } => {}
        }
    }
}
