//! `healthcheck`: asks a running server, for containers that have no shell and no probe of their own.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use clap::Args;
use tonic::transport::Endpoint;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use super::Failure;
use crate::config::{Config, Purpose, Raw};

/// What connecting and asking may take together. Docker's own limit is 30 s, Kubernetes' 1 s.
const PATIENCE: Duration = Duration::from_secs(3);

/// Arguments of `healthcheck`.
#[derive(Debug, Args)]
pub(super) struct HealthcheckArgs {
    /// The name to ask for: nothing for readiness, `liveness`, or a service such as orders.v1.OrderService.
    #[arg(long, default_value = "")]
    service: String,
}

pub(super) fn run(settings: &Raw, args: &HealthcheckArgs) -> Result<(), Failure> {
    let config = Config::resolve(settings, Purpose::Probe)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(async {
        let asked = tokio::time::timeout(PATIENCE, ask(reachable(config.ops_addr), args.service.clone()));
        asked.await.map_err(|_elapsed| Failure::from("no answer in time"))?
    })?;
    println!("{}", status.as_str_name());
    match status {
        ServingStatus::Serving => Ok(()),
        ServingStatus::NotServing | ServingStatus::Unknown | ServingStatus::ServiceUnknown => Err("not healthy".into()),
    }
}

async fn ask(address: SocketAddr, service: String) -> Result<ServingStatus, Failure> {
    let channel = Endpoint::from_shared(format!("http://{address}"))?.connect().await?;
    let answer = HealthClient::new(channel).check(HealthCheckRequest { service }).await;
    Ok(answer.map_err(|status| status.message().to_owned())?.into_inner().status())
}

/// Where a server that listens on every address can be reached from the same machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let loopback: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let ip = if address.ip().is_unspecified() { loopback } else { address.ip() };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_every_address_is_asked_on_loopback() {
        let reached = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(reached("0.0.0.0:9464"), "127.0.0.1:9464");
        assert_eq!(reached("[::]:9464"), "[::1]:9464");
        assert_eq!(reached("192.0.2.1:9464"), "192.0.2.1:9464");
    }
}
