"""Mistakes to plant, one of each kind that the checks look for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """In `file`, `old` becomes `new`; the check of `area` has to say `expected`."""

    what: str
    area: str
    file: str
    old: str
    new: str
    expected: str


SERVER = "deploy/kubernetes/base/server.yaml"
DEVELOPMENT = "deploy/kubernetes/overlays/development"
RULES = "deploy/prometheus/rules.yaml"
DASHBOARD = "deploy/grafana/order-server.json"
COMPOSE = "deploy/compose.yaml"
TASK = "deploy/ecs/task-definition.json"

MISTAKES = (
    Mistake("an unknown field in a Deployment", "kubernetes", SERVER, "revisionHistoryLimit: 5", "revisionsKept: 5", "revisionsKept"),
    Mistake(
        "a patch whose target is missing",
        "kubernetes",
        f"{DEVELOPMENT}/server.yaml",
        "name: order-server\n",
        "name: order-servant\n",
        "no matches for",
    ),
    Mistake(
        "a patch whose selector finds nothing",
        "kubernetes",
        f"{DEVELOPMENT}/kustomization.yaml",
        "name: order-server-migrate",
        "name: order-migrate",
        "and there is none",
    ),
    Mistake(
        "a setting that does not exist, in a ConfigMap",
        "kubernetes",
        "deploy/kubernetes/base/kustomization.yaml",
        "SHUTDOWN_DRAIN_MS=",
        "SHUTDOWN_DRAIN_SECONDS=",
        "SHUTDOWN_DRAIN_SECONDS is no setting",
    ),
    Mistake(
        "less time to end than it takes",
        "kubernetes",
        SERVER,
        "terminationGracePeriodSeconds: 50",
        "terminationGracePeriodSeconds: 30",
        "an orderly end takes up to 45 s",
    ),
    Mistake("a probe of a port that nobody listens on", "kubernetes", SERVER, "grpc: {port: 9464}", "grpc: {port: 9465}", "asks port 9465"),
    Mistake(
        "a container that may write",
        "kubernetes",
        SERVER,
        "readOnlyRootFilesystem: true",
        "readOnlyRootFilesystem: false",
        "is not locked down",
    ),
    Mistake(
        "a Service that selects nothing",
        "kubernetes",
        SERVER,
        "  selector:\n    app.kubernetes.io/name: order-server",
        "  selector:\n    app.kubernetes.io/name: orders",
        "selects no pod",
    ),
    Mistake(
        "a gateway that is not the one that is tested",
        "kubernetes",
        f"{DEVELOPMENT}/kustomization.yaml",
        "newTag: v1.",
        "newTag: v0.",
        "Envoy is tested in version",
    ),
    Mistake(
        "an application of another namespace",
        "argocd",
        "deploy/argocd/application.yaml",
        "namespace: orders\n",
        "namespace: shop\n",
        "its namespace is not that of",
    ),
    Mistake("a rule with a mistake in its grammar", "prometheus", RULES, "expr: up{", "expr: up{{", "promtool check rules"),
    Mistake(
        "a rule about a metric that does not exist",
        "prometheus",
        RULES,
        "expr: feed_watchers{",
        "expr: feed_readers{",
        "asks for feed_readers",
    ),
    Mistake(
        "a metric that has another name in the server",
        "prometheus",
        "order-server/src/telemetry/metrics.rs",
        '"feed_watchers"',
        '"feed_streams"',
        "asks for feed_watchers",
    ),
    Mistake(
        "a label that has another name in the server",
        "prometheus",
        "order-store/src/lanes.rs",
        'counter!("lane_refused_total", "lane"',
        'counter!("lane_refused_total", "queue"',
        "asks for label lane",
    ),
    Mistake(
        "a label that a metric does not have",
        "grafana",
        DASHBOARD,
        "sum by (lane) (lane_queue",
        "sum by (line) (lane_queue",
        "asks for label line",
    ),
    Mistake(
        "an alert that says nothing of what to do", "prometheus", RULES, "action: The reconciler", "advice: The reconciler", "has no action"
    ),
    Mistake(
        "an alert that no test has fire",
        "prometheus",
        "deploy/prometheus/rules.test.yaml",
        'alertname="OrderServerFeedConsumerWaits"',
        'alertname="Other"',
        "no test shows OrderServerFeedConsumerWaits",
    ),
    Mistake(
        "a copy of the rules that is out of date",
        "prometheus",
        RULES,
        "news were left out within an hour",
        "news were left out in an hour",
        "run scripts/check-deploy --write",
    ),
    Mistake(
        "a panel about a metric that does not exist",
        "grafana",
        DASHBOARD,
        "lane_queue_length{",
        "lane_queue_depth{",
        "asks for lane_queue_depth",
    ),
    Mistake(
        "a panel with a mistake in its grammar",
        "grafana",
        DASHBOARD,
        '"expr": "max(payment',
        '"expr": "max((payment',
        "could not parse expression",
    ),
    Mistake(
        "a metric whose name the checks cannot read",
        "grafana",
        "order-server/src/service/payments.rs",
        "gauge!(PAYMENT_OPERATIONS_UNRESOLVED,",
        "gauge!(name,",
        "name is no constant of",
    ),
    Mistake("a dashboard that is no JSON", "grafana", DASHBOARD, '"panels": [', '"panels": [,', DASHBOARD),
    Mistake("an unknown field in the compose file", "compose", COMPOSE, "    shm_size: 256m", "    shm: 256m", "shm"),
    Mistake(
        "a setting that does not exist, in the compose file", "compose", COMPOSE, "REFLECTION:", "REFLECTIONS:", "REFLECTIONS is no setting"
    ),
    Mistake("a service that depends on none", "compose", COMPOSE, "postgres: {condition", "postgresql: {condition", "which is no service"),
    Mistake(
        "a secret in the compose file",
        "compose",
        COMPOSE,
        "${JWT_SECRET:?make deploy/.env first}",
        "0123456789abcdef0123456789abcdef",
        "JWT_SECRET is a secret",
    ),
    Mistake(
        "a secret that has a default",
        "compose",
        COMPOSE,
        "${JWT_SECRET:?make deploy/.env first}",
        "${JWT_SECRET:-secret}",
        "JWT_SECRET has to be demanded",
    ),
    Mistake(
        "a setting that does not exist, in the task definition",
        "ecs",
        TASK,
        "SHUTDOWN_TASKS_MS",
        "SHUTDOWN_WORK_MS",
        "SHUTDOWN_WORK_MS is no setting",
    ),
    Mistake("an unknown field in the task definition", "ecs", TASK, '"stopTimeout"', '"stopTime"', "stopTime"),
    Mistake("an amount of memory that Fargate does not sell", "ecs", TASK, '"memory": "2048"', '"memory": "1000"', "does not sell"),
)
