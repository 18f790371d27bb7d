//! A `CronJob` for each component that works at times.

use k8s_openapi::{
    api::batch::v1::{CronJob, CronJobSpec, JobSpec, JobTemplateSpec},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde_json::Value;

use super::{
    object::{count, metadata_of, pod_labels, to_json},
    pod,
};
use crate::{
    component::{self, Component, Controller},
    model::Model,
};

/// Time within which a job that could not start on time may still start, in seconds.
const LATEST_START_SECONDS: i64 = 3600;

/// How often work that failed is tried again before it has failed for this time.
const RETRIES: i32 = 2;

pub(super) fn render(model: &Model, component: &Component) -> Option<Value> {
    let Controller::CronJob(job) = &component.controller else {
        return None;
    };
    Some(to_json(&CronJob {
        metadata: metadata_of(model, component, &component.name),
        spec: Some(CronJobSpec {
            schedule: job.schedule.clone(),
            time_zone: Some("Etc/UTC".to_owned()),
            // Two at once would write to the same volume.
            concurrency_policy: Some("Forbid".to_owned()),
            starting_deadline_seconds: Some(LATEST_START_SECONDS),
            suspend: Some(false),
            successful_jobs_history_limit: Some(1),
            failed_jobs_history_limit: Some(3),
            job_template: template(model, component, job),
        }),
        ..CronJob::default()
    }))
}

fn template(model: &Model, component: &Component, job: &component::CronJob) -> JobTemplateSpec {
    let labels = Some(pod_labels(model, component));
    JobTemplateSpec {
        metadata: Some(ObjectMeta { labels, ..ObjectMeta::default() }),
        spec: Some(JobSpec {
            completions: Some(1),
            parallelism: Some(1),
            completion_mode: Some("NonIndexed".to_owned()),
            backoff_limit: Some(RETRIES),
            active_deadline_seconds: Some(count(job.deadline_seconds).into()),
            suspend: Some(false),
            template: pod::render(model, component),
            ..JobSpec::default()
        }),
    }
}
