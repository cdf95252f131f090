//! The binary from outside: its subcommands, its configuration, its end by signal.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use prost::Message;

const SECRET: &str = "a very secret key of more than thirty-two bytes";

/// The binary with no environment but what is given.
fn binary(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_order-server"));
    command.args(arguments).env_clear().envs(environment.iter().copied());
    command
}

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    binary(arguments, environment).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn production_names_everything_that_is_missing_at_once() {
    let environment = [("ENVIRONMENT", "production"), ("LISTEN_ADDR", "nowhere"), ("CONFIRM_POLICY", "perhaps")];
    for arguments in [&["check-config"][..], &["serve"], &[]] {
        let output = run(arguments, &environment);
        assert_eq!(output.status.code(), Some(2));
        let message = text(&output.stderr);
        for name in ["DATABASE_URL", "JWT_SECRET or JWT_SECRET_FILE", "LISTEN_ADDR", "CONFIRM_POLICY"] {
            assert!(message.contains(name), "{name} is not named:\n{message}");
        }
    }
}

#[test]
fn no_output_shows_a_secret() {
    let environment = [
        ("ENVIRONMENT", "production"),
        ("DATABASE_URL", "postgres://app:hunter2@db/orders"),
        ("DATABASE_DIRECT_URL", "postgres://app:hunter2@direct/orders"),
        ("JWT_SECRET", SECRET),
    ];
    for arguments in [&["check-config"][..], &["--help"], &["serve", "--help"]] {
        let output = run(arguments, &environment);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let shown = text(&output.stdout) + &text(&output.stderr);
        assert!(!shown.contains("hunter2") && !shown.contains(SECRET), "{shown}");
    }
    let shown = text(&run(&["check-config"], &environment).stdout);
    assert!(shown.contains("DATABASE_URL=postgres://app:(hidden)@db/orders"), "{shown}");
    let bad = [("JWT_SECRET", "hunter2"), ("DATABASE_URL", "mysql://app:hunter2@db")];
    let output = run(&["check-config"], &bad);
    assert_eq!(output.status.code(), Some(2));
    assert!(!text(&output.stderr).contains("hunter2"));
}

#[test]
fn empty_variables_count_as_absent() {
    let output = run(&["check-config"], &[("LISTEN_ADDR", ""), ("JWT_SECRET", "")]);
    assert!(text(&output.stdout).contains("LISTEN_ADDR=127.0.0.1:50051"));
}

#[test]
fn tokens_are_made_with_the_configured_key() {
    let arguments = ["token", "--sub", "42", "--role", "admin", "--ttl", "5m"];
    let output = run(&arguments, &[("JWT_SECRET", SECRET)]);
    let token = text(&output.stdout);
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
    validation.set_audience(&["orders"]);
    let key = jsonwebtoken::DecodingKey::from_secret(SECRET.as_bytes());
    let claims = jsonwebtoken::decode::<serde_json::Value>(token.trim(), &key, &validation).unwrap().claims;
    assert_eq!((&claims["sub"], &claims["role"]), (&"42".into(), &"admin".into()));
}

#[test]
fn production_makes_no_token_with_an_invented_key() {
    let directory = tempfile::tempdir().unwrap();
    let environment = [("ENVIRONMENT", "production"), ("DATA_DIR", directory.path().to_str().unwrap())];
    let output = run(&["token", "--sub", "42"], &environment);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn the_descriptor_set_can_be_written() {
    let output = run(&["descriptor"], &[]);
    let set = prost_types::FileDescriptorSet::decode(output.stdout.as_slice()).unwrap();
    assert!(set.file.iter().any(|file| file.package() == "orders.v1" && !file.service.is_empty()));
}

/// A real server, ended when the test ends.
struct Process {
    child: Child,
    ops: String,
}

impl Process {
    fn start(directory: &Path) -> Self {
        Self::logging_to(Stdio::null(), directory)
    }

    fn logging_to(log: Stdio, directory: &Path) -> Self {
        let environment =
            [("DATA_DIR", directory.to_str().unwrap()), ("LISTEN_ADDR", "127.0.0.1:0"), ("OPS_ADDR", "127.0.0.1:0")];
        let mut child = binary(&[], &environment).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = |line: String| line.split_once("http://").map(|(_, address)| address.trim().to_owned());
        let ops = lines.map_while(Result::ok).find_map(address).expect("the greeting names the ops port");
        Self { child, ops }
    }

    fn healthcheck(&self, service: &str) -> Output {
        run(&["healthcheck", "--service", service], &[("OPS_ADDR", &self.ops)])
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped_already = self.child.wait();
    }
}

#[test]
fn a_log_that_cannot_be_written_ends_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let process = Process::logging_to(full.into(), directory.path());
    assert!(process.healthcheck("").status.success());
}

#[test]
fn a_reader_that_is_gone_is_no_failure() {
    let directory = tempfile::tempdir().unwrap();
    let environment = [("DATA_DIR", directory.path().to_str().unwrap())];
    for arguments in [&["token", "--sub", "42"][..], &["check-config"], &["migrate"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = binary(arguments, &environment).stdout(writer).stderr(Stdio::null()).status().unwrap();
        assert!(status.success(), "{arguments:?}");
    }
}

#[test]
fn a_process_that_gets_sigterm_exits_with_zero() {
    let directory = tempfile::tempdir().unwrap();
    let mut process = Process::start(directory.path());
    for service in ["", "liveness", "orders.v1.OrderService"] {
        let output = process.healthcheck(service);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout).trim(), "SERVING");
    }
    assert!(!process.healthcheck("orders.v1.Nothing").status.success());

    let before = Instant::now();
    let killed = Command::new("kill").args(["-TERM", &process.child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert!(process.child.wait().unwrap().success());
    assert!(before.elapsed() < Duration::from_secs(5));
    assert!(!process.healthcheck("").status.success());
}
