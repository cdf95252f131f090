//! A throw-away PostgreSQL that flushes as a real one does.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use crate::{Failed, process};

/// A running cluster, removed when it is dropped.
pub(crate) struct Cluster {
    script: PathBuf,
    /// Holds the cluster's directory.
    _home: tempfile::TempDir,
    dir: PathBuf,
    url: String,
}

impl Cluster {
    pub(crate) fn start() -> Result<Self, Failed> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/postgres");
        let home = tempfile::tempdir()?;
        let dir = home.path().join("cluster");
        let url = text(Command::new(&script).args(["start", "--fsync", "on"]).arg(&dir).output()?)?;
        Ok(Self { script, _home: home, dir, url })
    }

    /// Processor time that all its processes have used.
    pub(crate) fn processor_time(&self) -> Result<Duration, Failed> {
        let file = std::fs::read_to_string(self.dir.join("data/postmaster.pid"))?;
        let postmaster: u32 = file.lines().next().unwrap_or_default().trim().parse()?;
        let mut time = process::processor_time(postmaster, process::Children::Ended)?;
        for child in process::children(postmaster)? {
            // It may end at this moment; then the postmaster counts it.
            time += process::processor_time(child, process::Children::Ended).unwrap_or_default();
        }
        Ok(time)
    }

    /// Makes an empty database and answers its URL.
    pub(crate) fn database(&self, name: &str) -> Result<String, Failed> {
        text(Command::new(&self.script).args(["create-database", &self.url, name]).output()?)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let stopped = Command::new(&self.script).arg("stop").arg(&self.dir).output();
        drop(stopped);
    }
}

/// Runs SQL and answers its rows, columns divided by `|`.
pub(crate) fn sql(url: &str, sql: &str) -> Result<String, Failed> {
    text(Command::new("psql").args(["-XAtq", "-v", "ON_ERROR_STOP=1", url, "-c", sql]).output()?)
}

/// The columns of a table, in their order.
pub(crate) fn columns(url: &str, table: &str) -> Result<Vec<String>, Failed> {
    let query = format!(
        "SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' AND table_schema = 'public' \
         ORDER BY ordinal_position"
    );
    Ok(sql(url, &query)?.lines().map(str::to_owned).collect())
}

/// What a program printed, without the last newline.
pub(crate) fn text(output: Output) -> Result<String, Failed> {
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}
