//! TLS at the door: who is let in, who is not, and what happens while certificates are replaced.

use std::{
    os::unix::fs::symlink,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use order_server::{
    auth::Role,
    config::{Config, Purpose, Raw},
    tls::{Door, IdentityFiles, Kept, PemFile, Protocols},
};
use rustls::ClientConnection;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::{Code, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use super::{
    connections::closed,
    fixture::{ECHO, Fixture, GUEST, call},
    ops::get,
};
use crate::certificates::{Authority, Files, Identity, believing, channel, channel_from, shake, shown};

/// How long whoever says nothing is waited for, with what a slow machine adds.
const PATIENCE: std::ops::Range<Duration> = Duration::from_secs(4)..Duration::from_secs(9);

/// A server with a certificate of its authority, and what it is made of.
struct Secured {
    fixture: Fixture,
    authority: Authority,
    identity: Identity,
    files: Files,
}

impl Secured {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let (authority, files) = (Authority::new(), Files::new());
        let identity = authority.issue();
        let [certificate, key] = files.put_identity("door", &identity);
        let own = [("TLS_CERT_FILE", certificate.as_str()), ("TLS_KEY_FILE", key.as_str())];
        let fixture = Fixture::start(&[&own, settings].concat()).await;
        Self { fixture, authority, identity, files }
    }

    async fn channel(&self) -> Channel {
        channel(self.fixture.grpc, self.authority.client(None)).await.unwrap()
    }

    async fn echo(&self, channel: Channel) -> Result<tonic::Response<()>, tonic::Status> {
        let header = format!("Bearer {}", self.fixture.token(Role::Customer));
        call(channel, ECHO, &[("authorization", &header)]).await
    }

    /// How often something was counted so far, in the whole process.
    async fn counted(&self, series: &str) -> u64 {
        let page = get(self.fixture.ops, "/metrics").await;
        let line = page.lines().find_map(|line| line.strip_prefix(series));
        line.map_or(0, |count| count.trim().parse().unwrap())
    }

    /// Waits until new connections see this certificate.
    async fn shows(&self, identity: &Identity) {
        let seen = async {
            while shown(self.fixture.grpc, self.authority.client(None)).await != identity.der() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), seen).await.expect("the new certificate is never shown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_tls_is_answered_and_plain_text_is_refused_at_once() {
    let secured = Secured::start(&[("MAX_CONNECTIONS", "2"), ("MAX_CONNECTIONS_PER_ADDRESS", "2")]).await;
    let open = secured.channel().await;
    secured.echo(open.clone()).await.unwrap();
    let mut health = HealthClient::new(open.clone());
    let answer = health.check(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(answer.status(), ServingStatus::Serving);
    // One place is left, and whoever is refused gives it back.
    for _ in 0..3 {
        let mut plain = TcpStream::connect(secured.fixture.grpc).await.unwrap();
        plain.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        assert!(closed(&mut plain).await < Duration::from_secs(3));
    }
    secured.echo(secured.channel().await).await.unwrap();
    secured.echo(open).await.unwrap();
    assert!(secured.counted("server_failed_handshakes_total{reason=\"failed\"}").await >= 3);
    // Probes know no TLS.
    assert!(get(secured.fixture.ops, "/readyz").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_believes_another_authority_does_not_connect() {
    let secured = Secured::start(&[]).await;
    let stranger = Authority::new().client(None);
    channel(secured.fixture.grpc, stranger.clone()).await.unwrap_err();
    let error = shake(secured.fixture.grpc, stranger).await.unwrap_err();
    assert!(error.to_string().contains("invalid peer certificate"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_clients_have_to_show_who_they_are_only_those_of_the_authority_are_let_in() {
    let (clients, files) = (Authority::new(), Files::new());
    let ca = files.put("clients.crt", &clients.pem);
    let secured = Secured::start(&[("TLS_CLIENT_CA_FILE", &ca)]).await;
    let known = clients.issue();
    for unknown in [None, Some(Authority::new().issue()), Some(secured.authority.issue())] {
        // In TLS 1.3 the client has said all it has to say before it is judged, and hears of it when it reads.
        let config = secured.authority.client(unknown.as_ref());
        match channel(secured.fixture.grpc, config).await {
            Ok(channel) => drop(secured.echo(channel).await.unwrap_err()),
            Err(_refused) => {}
        }
    }
    assert_eq!(secured.fixture.reached(), 0);
    let channel = channel(secured.fixture.grpc, secured.authority.client(Some(&known))).await.unwrap();
    secured.echo(channel.clone()).await.unwrap();
    // A certificate says who may connect; a token still says who calls.
    assert_eq!(call(channel, ECHO, &[]).await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_spoken_inside_is_agreed_on_in_the_handshake() {
    for (grpc_web, http1) in [("on", true), ("off", false)] {
        let secured = Secured::start(&[("GRPC_WEB", grpc_web)]).await;
        let offer = |names: &[&str]| {
            let mut config = secured.authority.client(None);
            config.alpn_protocols = names.iter().map(|name| name.as_bytes().to_vec()).collect();
            config
        };
        let stream = shake(secured.fixture.grpc, offer(&["http/1.1", "h2"])).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]), "GRPC_WEB={grpc_web}");
        let old = shake(secured.fixture.grpc, offer(&["http/1.1"])).await;
        assert_eq!(old.is_ok(), http1, "GRPC_WEB={grpc_web}: {old:?}");
        if let Ok(mut stream) = old {
            stream.write_all(b"GET / HTTP/1.1\r\nhost: orders\r\nconnection: close\r\n\r\n").await.unwrap();
            let mut answer = [0; 8];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"HTTP/1.1");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_are_told_apart_by_their_addresses_as_without_tls() {
    let secured =
        Secured::start(&[("GUEST_CHECKOUT", "on"), ("RATE_LIMIT_PER_SECOND", "1"), ("RATE_LIMIT_BURST", "1")]).await;
    let from = async |own: &str| {
        let config = secured.authority.client(None);
        channel_from(own.parse().unwrap(), secured.fixture.grpc, config).await.unwrap()
    };
    let (one, other) = (from("127.0.0.1").await, from("127.0.0.2").await);
    let began = Instant::now();
    call(one.clone(), GUEST, &[]).await.unwrap();
    call(other, GUEST, &[]).await.expect("another address has a share of its own");
    let again = call(one, GUEST, &[]).await;
    // A second later there is a new share.
    assert!(again.is_err_and(|status| status.code() == Code::ResourceExhausted) || began.elapsed().as_secs() >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_slow_with_the_handshake_is_cut_and_holds_up_nobody() {
    let secured = Secured::start(&[("MAX_CONNECTIONS", "5"), ("MAX_CONNECTIONS_PER_ADDRESS", "5")]).await;
    let grpc = secured.fixture.grpc;
    let mut silent = TcpStream::connect(grpc).await.unwrap();
    let mut begun = TcpStream::connect(grpc).await.unwrap();
    begun.write_all(&hello(&secured)[..20]).await.unwrap();
    let mut halfway = TcpStream::connect(grpc).await.unwrap();
    halfway.write_all(&hello(&secured)).await.unwrap();
    let mut agreed = shake(grpc, secured.authority.client(None)).await.unwrap();
    let began = Instant::now();
    let channel = secured.channel().await;
    secured.echo(channel.clone()).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let mut bytes = Vec::new();
    let quiet = async {
        drop(tokio::time::timeout(Duration::from_secs(10), agreed.read_to_end(&mut bytes)).await.unwrap());
        began.elapsed()
    };
    let cut = tokio::join!(closed(&mut silent), closed(&mut begun), closed(&mut halfway), quiet);
    for elapsed in [cut.0, cut.1, cut.2, cut.3] {
        assert!(PATIENCE.contains(&elapsed), "{elapsed:?}");
    }
    assert!(secured.counted("server_failed_handshakes_total{reason=\"late\"}").await >= 3);
    secured.echo(channel).await.expect("patience with one is not about the others");
    // Their places are free again.
    let open = futures_util::future::join_all((0..4).map(|_| secured.channel())).await;
    futures_util::future::join_all(open.into_iter().map(async |one| secured.echo(one).await.unwrap())).await;
}

/// What a client says first.
fn hello(secured: &Secured) -> Vec<u8> {
    let name = secured.fixture.grpc.ip().into();
    let mut client = ClientConnection::new(Arc::new(secured.authority.client(None)), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_for_new_connections_and_a_broken_one_for_nobody() {
    let secured = Secured::start(&[]).await;
    let old = secured.channel().await;
    secured.echo(old.clone()).await.unwrap();
    assert_eq!(shown(secured.fixture.grpc, secured.authority.client(None)).await, secured.identity.der());
    let new = secured.authority.issue();
    secured.files.put_identity("door", &new);
    secured.shows(&new).await;
    secured.echo(old.clone()).await.expect("what is open stays as it is");
    // The certificate of one pair, and the key of another: as it looks between two copies.
    let failed = "tls_failed_reloads_total{side=\"door\"}";
    let before = secured.counted(failed).await;
    let newest = secured.authority.issue();
    secured.files.put("door.crt", &newest.certificate);
    let noticed = async {
        while secured.counted(failed).await == before {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), noticed).await.expect("nobody looks at the files");
    assert_eq!(shown(secured.fixture.grpc, secured.authority.client(None)).await, new.der());
    secured.files.put("door.key", &newest.key);
    secured.shows(&newest).await;
    secured.echo(old).await.unwrap();
    secured.echo(secured.channel().await).await.unwrap();
    let expiry = "tls_certificate_expiry_timestamp_seconds{side=\"door\"}";
    let page = get(secured.fixture.ops, "/metrics").await;
    assert!(page.lines().any(|line| line.starts_with(expiry)), "{page}");
}

/// The files of a door, kept.
fn kept(directory: &Path) -> Arc<Kept<Door>> {
    let file = |setting, name| PemFile { setting, path: directory.join(name) };
    let identity =
        IdentityFiles { certificates: file("TLS_CERT_FILE", "tls.crt"), key: file("TLS_KEY_FILE", "tls.key") };
    let client_authorities = Some(file("TLS_CLIENT_CA_FILE", "ca.crt"));
    Arc::new(Kept::new(Door { identity, client_authorities, protocols: Protocols::Http2 }).unwrap())
}

/// Several times as long as files may go without a look.
const LOOKS: Duration = Duration::from_secs(30);

#[tokio::test(start_paused = true)]
async fn what_cannot_be_used_changes_nothing() {
    let (authority, files) = (Authority::new(), Files::new());
    let (ours, other) = (authority.issue(), authority.issue());
    let write = |certificate: &str, key: &str, ca: &str| {
        for (name, text) in [("tls.crt", certificate), ("tls.key", key), ("ca.crt", ca)] {
            files.put(name, text);
        }
    };
    write(&ours.certificate, &ours.key, &authority.pem);
    let kept = kept(files.root());
    let fresh = tokio::spawn(Arc::clone(&kept).keep_fresh());
    let before = kept.current();
    let half = |text: &str| text[..text.len() / 2].to_owned();
    let (over, to_come) = (authority.issue_between((2000, 2001)), authority.issue_between((2200, 2201)));
    for (certificate, key, ca) in [
        (&*over.certificate, &*over.key, &*authority.pem),
        (&to_come.certificate, &to_come.key, &authority.pem),
        ("", &ours.key, &authority.pem),
        ("garbage", &ours.key, &authority.pem),
        (&half(&ours.certificate), &ours.key, &authority.pem),
        (&other.certificate, &half(&other.key), &authority.pem),
        (&other.certificate, &ours.key, &authority.pem),
        (&other.certificate, &other.key, ""),
        (&other.certificate, &other.key, &half(&authority.pem)),
        (&other.certificate, &other.key, &other.key),
    ] {
        write(certificate, key, ca);
        tokio::time::sleep(LOOKS).await;
        assert!(Arc::ptr_eq(&kept.current(), &before), "{certificate}\n{key}\n{ca}");
    }
    std::fs::remove_file(files.path("tls.key")).unwrap();
    tokio::time::sleep(LOOKS).await;
    assert!(Arc::ptr_eq(&kept.current(), &before), "a file that is away");
    // A new authority of clients is a reason, too.
    write(&ours.certificate, &ours.key, &Authority::new().pem);
    tokio::time::sleep(LOOKS).await;
    let after = kept.current();
    assert!(!Arc::ptr_eq(&after, &before));
    tokio::time::sleep(LOOKS).await;
    assert!(Arc::ptr_eq(&kept.current(), &after), "made again although nothing has changed");
    fresh.abort();
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_kubernetes_swaps_is_seen() {
    let (authority, files) = (Authority::new(), Files::new());
    let version = |name: &str| {
        let (identity, directory) = (authority.issue(), files.root().join(name));
        std::fs::create_dir(&directory).unwrap();
        for (file, text) in [("tls.crt", &identity.certificate), ("tls.key", &identity.key), ("ca.crt", &authority.pem)]
        {
            std::fs::write(directory.join(file), text).unwrap();
        }
        // Made beside it and renamed over it, as kubelets do.
        symlink(name, files.root().join("..data_tmp")).unwrap();
        std::fs::rename(files.root().join("..data_tmp"), files.root().join("..data")).unwrap();
    };
    version("..1");
    ["tls.crt", "tls.key", "ca.crt"]
        .iter()
        .for_each(|file| symlink(Path::new("..data").join(file), files.root().join(file)).unwrap());
    let kept = kept(files.root());
    let fresh = tokio::spawn(Arc::clone(&kept).keep_fresh());
    let before = kept.current();
    version("..2");
    std::fs::remove_dir_all(files.root().join("..1")).unwrap();
    tokio::time::sleep(LOOKS).await;
    assert!(!Arc::ptr_eq(&kept.current(), &before));
    fresh.abort();
}

#[test]
fn a_certificate_that_nobody_would_believe_is_a_mistake() {
    let (authority, files) = (Authority::new(), Files::new());
    for (years, what) in [((2000, 2001), "is over"), ((2200, 2201), "has not begun")] {
        let [certificate, key] = files.put_identity("bad", &authority.issue_between(years));
        let lines = mistakes(&[("TLS_CERT_FILE", &certificate), ("TLS_KEY_FILE", &key)]);
        assert!(lines.len() == 1 && lines[0].contains("TLS_CERT_FILE") && lines[0].contains(what), "{lines:?}");
    }
}

/// What is wrong with these settings.
fn mistakes(settings: &[(&str, &str)]) -> Vec<String> {
    let raw = Raw::of(settings.iter().map(|&(name, value)| (name, value.to_owned())));
    Config::resolve(&raw, Purpose::Serve).map_or_else(|errors| errors.lines().to_vec(), |_| Vec::new())
}

#[test]
fn every_mistake_in_the_files_is_named_at_once() {
    let (authority, files) = (Authority::new(), Files::new());
    let [certificate, key] = files.put_identity("ours", &authority.issue());
    let [_, foreign] = files.put_identity("other", &authority.issue());
    let (empty, ca) = (files.put("empty", "\n"), files.put("ca", &authority.pem));
    let lines = mistakes(&[
        ("TLS_CERT_FILE", &empty),
        ("TLS_KEY_FILE", "/nonexistent"),
        ("TLS_CLIENT_CA_FILE", "/nonexistent"),
        ("NEIGHBOUR_CA_FILE", &empty),
        ("NEIGHBOUR_KEY_FILE", &key),
        ("CATALOG_URL", "ftp://catalog"),
    ]);
    for wanted in [
        "TLS_CERT_FILE holds no certificate",
        "TLS_KEY_FILE cannot be read",
        "TLS_CLIENT_CA_FILE cannot be read",
        "NEIGHBOUR_CERT_FILE is needed",
        "NEIGHBOUR_CA_FILE holds no certificate",
    ] {
        assert!(lines.iter().any(|line| line.starts_with(wanted)), "{wanted}: {lines:?}");
    }
    let lines = mistakes(&[
        ("TLS_CERT_FILE", &empty),
        ("TLS_KEY_FILE", &empty),
        ("TLS_CLIENT_CA_FILE", &empty),
        ("NEIGHBOUR_CA_FILE", &empty),
        ("NEIGHBOUR_CERT_FILE", &certificate),
        ("NEIGHBOUR_KEY_FILE", &foreign),
        ("SHIPPING_URL", "https://shipping/path"),
    ]);
    let named = |setting: &str| lines.iter().any(|line| line.starts_with(setting));
    assert!(
        ["TLS_CERT_FILE holds no certificate", "TLS_KEY_FILE holds no", "TLS_CLIENT_CA_FILE holds no certificate"]
            .into_iter()
            .chain(["NEIGHBOUR_CA_FILE holds no certificate", "NEIGHBOUR_KEY_FILE is not the key", "SHIPPING_URL"])
            .all(named),
        "{lines:?}"
    );
    for (settings, wanted) in [
        (vec![("TLS_CERT_FILE", &*certificate)], "TLS_KEY_FILE is needed with TLS_CERT_FILE"),
        (vec![("TLS_KEY_FILE", &*key)], "TLS_CERT_FILE is needed with TLS_KEY_FILE"),
        (vec![("TLS_CLIENT_CA_FILE", &*ca)], "TLS_CLIENT_CA_FILE needs TLS_CERT_FILE"),
        (vec![("TLS_CERT_FILE", &*certificate), ("TLS_KEY_FILE", &*foreign)], "TLS_KEY_FILE is not the key of"),
    ] {
        let lines = mistakes(&settings);
        assert!(lines.len() == 1 && lines[0].starts_with(wanted), "{lines:?}");
        assert!(!lines[0].contains("BEGIN"), "{lines:?}");
    }
    let good = [("TLS_CERT_FILE", &*certificate), ("TLS_KEY_FILE", &*key), ("TLS_CLIENT_CA_FILE", &*ca)];
    assert_eq!(mistakes(&good), [""; 0]);
}

#[test]
fn only_who_serves_looks_at_certificates() {
    let broken = [("TLS_CERT_FILE", "/nonexistent"), ("TLS_KEY_FILE", "/nonexistent")];
    let raw = Raw::of(broken.map(|(name, value)| (name, value.to_owned())));
    for purpose in [Purpose::Database, Purpose::Key, Purpose::Probe] {
        Config::resolve(&raw, purpose).unwrap();
    }
    Config::resolve(&raw, Purpose::Serve).unwrap_err();
}

#[test]
fn where_the_system_trusts_nobody_the_authority_of_neighbours_is_asked_for() {
    let (authority, files) = (Authority::new(), Files::new());
    let ca = files.put("ca.crt", &authority.pem);
    let trusting = |more: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_order-server"));
        command.arg("check-config").env_clear().env("SSL_CERT_FILE", "/dev/null").envs(more.iter().copied());
        command.output().unwrap()
    };
    let secure = ("PAYMENT_URL", "https://payment:443");
    let refused = trusting(&[secure]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("NEIGHBOUR_CA_FILE is needed"), "{said}");
    assert!(trusting(&[secure, ("NEIGHBOUR_CA_FILE", &ca)]).status.success());
    assert!(trusting(&[("PAYMENT_URL", "http://payment:80")]).status.success());
}

/// The blocks of shell commands in the README's section on TLS.
fn commands() -> Vec<String> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let section = readme.split("\n### TLS\n").nth(1).expect("the README has a section on TLS");
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// Runs commands where the files are, and says what they said.
async fn run(files: &Files, script: &str) -> String {
    let mut command = Command::new("timeout");
    command.args(["60", "bash", "-euo", "pipefail", "-c", script]).current_dir(files.root());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{script}\n{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_readme_make_what_they_say() {
    let (blocks, files) = (commands(), Files::new());
    run(&files, &blocks[0]).await;
    let given: Vec<_> = blocks[1].split_whitespace().filter_map(|word| word.split_once('=')).collect();
    let given: Vec<_> = given.into_iter().map(|(setting, file)| (setting, files.path(file))).collect();
    assert_eq!(given.len(), 3, "{given:?}");
    let settings: Vec<_> = given.iter().map(|(setting, path)| (*setting, path.as_str())).collect();
    let fixture = Fixture::start(&settings).await;
    let look = blocks[2].lines().find(|line| line.starts_with("openssl")).expect("a look from outside");
    let look = look.replace("localhost:50051", &format!("localhost:{}", fixture.grpc.port()));
    let said = run(&files, &look).await;
    assert!(said.contains("ALPN protocol: h2") && said.contains("Verify return code: 0 (ok)"), "{said}");
    let read = |name: &str| std::fs::read_to_string(files.path(name)).unwrap();
    let client = Identity { certificate: read("client.crt"), key: read("client.key") };
    let channel = channel(fixture.grpc, believing(&read("ca.crt"), Some(&client))).await.unwrap();
    let header = format!("Bearer {}", fixture.token(Role::Customer));
    call(channel, ECHO, &[("authorization", &header)]).await.unwrap();
}
