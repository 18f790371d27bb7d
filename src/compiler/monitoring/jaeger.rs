//! The configuration of Jaeger 2, which is that of an OpenTelemetry collector.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::yaml::to_document;

/// Name of the configuration file.
pub(crate) const CONFIG_FILE: &str = "config.yaml";

/// Ports of Jaeger.
pub(crate) const OTLP_GRPC: u16 = 4317;
pub(crate) const OTLP_HTTP: u16 = 4318;
pub(crate) const QUERY: u16 = 16686;
pub(crate) const METRICS: u16 = 8888;
pub(crate) const HEALTH: u16 = 13133;

/// Port of the query API by gRPC, which nobody here calls.
const QUERY_GRPC: u16 = 16685;

/// Name of the only storage.
const STORAGE: &str = "traces";

/// Returns the configuration that keeps `max_traces` in memory.
pub(crate) fn files(max_traces: u32) -> BTreeMap<String, String> {
    [(CONFIG_FILE.to_owned(), to_document(&config(max_traces)))].into()
}

fn config(max_traces: u32) -> Value {
    json!({
        "extensions": {
            "healthcheckv2": { "use_v2": true, "http": listening(HEALTH) },
            "jaeger_query": {
                "storage": { "traces": STORAGE },
                "http": listening(QUERY),
                "grpc": listening(QUERY_GRPC),
            },
            "jaeger_storage": { "backends": { STORAGE: { "memory": { "max_traces": max_traces } } } },
        },
        "receivers": {
            "otlp": {
                "protocols": { "grpc": listening(OTLP_GRPC), "http": listening(OTLP_HTTP) },
            },
        },
        "processors": {
            // Refuses traces before the container would be killed.
            "memory_limiter": {
                "check_interval": "1s",
                "limit_percentage": 85,
                "spike_limit_percentage": 15,
            },
            "batch": {},
        },
        "exporters": { "jaeger_storage_exporter": { "trace_storage": STORAGE } },
        "service": {
            "extensions": ["jaeger_storage", "jaeger_query", "healthcheckv2"],
            "pipelines": {
                "traces": {
                    "receivers": ["otlp"],
                    "processors": ["memory_limiter", "batch"],
                    "exporters": ["jaeger_storage_exporter"],
                },
            },
            "telemetry": {
                "resource": { "service.name": "jaeger" },
                "logs": { "level": "info", "encoding": "json" },
                "metrics": {
                    "level": "normal",
                    "readers": [{
                        "pull": {
                            "exporter": { "prometheus": { "host": "0.0.0.0", "port": METRICS } },
                        },
                    }],
                },
            },
        },
    })
}

fn listening(port: u16) -> Value {
    json!({ "endpoint": format!("0.0.0.0:{port}") })
}
