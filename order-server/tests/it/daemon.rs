//! Servers of others that tests start: real ones, on a free port of this machine.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

/// A server that keeps its port and its directory when it is killed and started again. It does not outlive the test.
pub(crate) struct Daemon {
    program: &'static str,
    arguments: Vec<String>,
    port: u16,
    child: Option<Child>,
    directory: tempfile::TempDir,
}

impl Daemon {
    /// A server that is not running yet, with arguments that depend on its port and its directory.
    pub(crate) fn new(program: &'static str, arguments: impl FnOnce(u16, &Path) -> Vec<String>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let directory = tempfile::tempdir().unwrap();
        Self { program, arguments: arguments(port, directory.path()), port, child: None, directory }
    }

    /// Starts it. Whether it listens already is for the caller to find out.
    pub(crate) fn come(&mut self) {
        let child = Command::new(self.program)
            .args(&self.arguments)
            .current_dir(self.directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let missing = || panic!("scripts/test finds or installs {}", self.program);
        self.child = Some(child.unwrap_or_else(|_| missing()));
    }

    /// Kills it.
    pub(crate) fn go(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.go();
        }
    }
}
