//! Tells the story: chapters, steps, the calls with what they took, and what came out. Stops it when a step goes wrong.

use std::{
    fmt::{self, Debug, Display},
    future::Future,
    io,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use console::style;
use tonic::{Response, Status};
use tonic_types::StatusExt as _;

use crate::terminal::Table;

/// Columns of a line that names a call.
const CALL_WIDTH: usize = 66;

/// What did not go as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failed(pub(super) String);

impl Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

/// An error that was expected.
pub(super) struct Refused {
    /// The facts of the `ErrorInfo`.
    pub(super) metadata: std::collections::BTreeMap<String, String>,
}

/// Where the story goes.
pub(super) type Output = Box<dyn io::Write + Send>;

/// The teller.
pub(super) struct Narrator {
    /// Behind a lock, since a call is told while its caller is borrowed. Never held across a wait.
    out: Mutex<Output>,
    steps: usize,
    step: String,
}

impl Narrator {
    pub(super) const fn new(out: Output) -> Self {
        Self { out: Mutex::new(out), steps: 0, step: String::new() }
    }

    /// Steps told so far.
    pub(super) const fn steps(&self) -> usize {
        self.steps
    }

    pub(super) fn title(&self, text: &str) {
        self.say(&format!("\n{}\n", style(text).bold()));
    }

    pub(super) fn chapter(&self, title: &str) {
        self.say(&format!("{}\n", style(format!("── {title} ──")).bold().cyan()));
    }

    pub(super) fn step(&mut self, title: &str) {
        self.steps += 1;
        title.clone_into(&mut self.step);
        self.say(&format!("{} {}", style(format!("{:>2}.", self.steps)).dim(), style(title).bold()));
    }

    /// Makes a call that must succeed.
    pub(super) async fn call<T>(
        &self,
        rpc: &str,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, Failed> {
        let started = Instant::now();
        let answer = call.await;
        self.named(rpc, started, &if answer.is_ok() { style("ok").green() } else { style("failed").red() });
        answer.map(Response::into_inner).map_err(|status| {
            let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
            self.failed(format!("{rpc} answered {:?} {reason}: {}", status.code(), status.message()))
        })
    }

    /// Makes a call that must be refused with this reason.
    pub(super) async fn refused<T>(
        &self,
        (rpc, reason): (&str, &str),
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<Refused, Failed> {
        let started = Instant::now();
        let answer = call.await;
        self.named(rpc, started, &style("refused").yellow());
        let Err(status) = answer else {
            return Err(self.failed(format!("{rpc} was carried out, and should have been refused with {reason}")));
        };
        let info = status.get_details_error_info();
        let given = info.as_ref().map(|info| info.reason.clone()).unwrap_or_default();
        self.check(&format!("the reason of {rpc} ({})", status.message()), &given.as_str(), &reason)?;
        let metadata = info.map(|info| info.metadata.into_iter().collect()).unwrap_or_default();
        self.note(&format!("{reason}: {}", status.message()));
        Ok(Refused { metadata })
    }

    fn named(&self, rpc: &str, started: Instant, outcome: &dyn Display) {
        let millis = started.elapsed().as_millis();
        self.say(&format!(
            "    {}  {outcome}",
            style(format!("{rpc:<width$}{millis:>5} ms", width = CALL_WIDTH - 12)).dim()
        ));
    }

    /// A line below the step.
    pub(super) fn note(&self, text: &str) {
        self.say(&format!("    {text}"));
    }

    /// A table below the step.
    pub(super) fn table(&self, table: &Table) {
        for line in table.render().lines() {
            self.say(&format!("  {line}"));
        }
        self.say("");
    }

    /// The end of the story.
    pub(super) fn end(&self, text: &str) {
        self.say(&format!("{} {text}", style("✔").green().bold()));
    }

    /// The end of a step without a table.
    pub(super) fn space(&self) {
        self.say("");
    }

    /// Demands a value.
    pub(super) fn check<T: PartialEq + Debug>(&self, what: &str, seen: &T, wanted: &T) -> Result<(), Failed> {
        if seen == wanted { Ok(()) } else { Err(self.failed(format!("{what} is {seen:?} and should be {wanted:?}"))) }
    }

    /// Demands that something is there.
    pub(super) fn given<T>(&self, what: &str, value: Option<T>) -> Result<T, Failed> {
        value.ok_or_else(|| self.failed(format!("{what} is missing")))
    }

    pub(super) fn failed(&self, what: impl Display) -> Failed {
        Failed(format!("step {} ({}): {what}", self.steps, self.step))
    }

    /// Not `println!`, which panics when the reader is gone; whoever pipes the story into `head` still wants a clean end.
    fn say(&self, text: &str) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _unread = writeln!(out, "{text}");
    }
}
