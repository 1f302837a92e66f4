package slo

import (
	"reflect"
	"strings"
)

// The types below are the SLO file as it is written. They give the parser the
// accepted keys of each map and [Schema] the keys, kinds and descriptions, so
// that the two cannot drift apart. Nothing is decoded into them: the parser
// keeps to nodes, because it needs the positions.

// Kinds of scalars, and scalars that may also be something else. schema.go
// says what each looks like.
type (
	versionText     string
	templateText    string // text in which ${…} is replaced for each request
	fixedText       string // text in which ${env.NAME} is replaced when the file is read
	durationText    string
	pauseValue      string // a duration, a range of durations or a pauseDoc
	rateText        string // a rate alone
	rateValue       string // a rate, a ramp of rates or a list of rates
	searchText      string // two rates
	workersValue    string // a number of workers, a ramp or a list of numbers
	countValue      string
	switchValue     string
	requestText     string
	statusValue     string
	checkText       string
	arrivalsText    string
	pacingText      string
	decideText      string
	scheduleText    string
	eachText        string
	branchText      string // text in which ${env.NAME} is replaced
	artifactText    string
	objectiveText   string
	indicatorText   string
	anyJSON         string
	headerMap       string
	formMap         string
	multipartMap    string
	connectionsText string
	resolveMap      string
	authItem        string // none or an authDoc
	algorithmText   string
	encodingText    string
	signedText      string
	captureMap      string
	queryMap        string
	onFailText      string
	orderText       string
	atEndText       string
	dataValue       string // a dataDoc or a list of them
	sessionText     string
	filesValue      string // a path or a list of paths
	commandText     string // a shell command, as it is
	variableMap     string
	baselineItem    string // none or a baselineDoc
	objectiveItem   string // an objective as text or as an objectiveDoc
	profileMap      string // a profileDoc by each name

	distributionText string

	protocolText   string
	tlsVersionText string
	streamText     string
	dnsTypeText    string
	streamValue    string // a streamText or a streamDoc
)

type document struct {
	Version    versionText     `json:"version" jsonschema:"Version of this format: 1."`
	Name       fixedText       `json:"name,omitempty" jsonschema:"Name for titles and artifacts. Default: the name of the file."`
	Target     fixedText       `json:"target,omitempty" jsonschema:"Base URL of the service under test, such as http://localhost:8000. Needed, unless the flag --target gives one; that one wins."`
	HTTP       httpDoc         `json:"http,omitzero" jsonschema:"Defaults of every step."`
	WaitFor    waitForDoc      `json:"wait_for,omitzero" jsonschema:"A request that must succeed before the first stage. Default: a TCP connect within 30s."`
	Before     []setupDoc      `json:"before,omitempty" jsonschema:"Steps that run once before the first stage. What they capture is known everywhere."`
	After      []stepDoc       `json:"after,omitempty" jsonschema:"Steps that run once after the last stage."`
	Scenarios  []scenarioDoc   `json:"scenarios" jsonschema:"What the users do."`
	Stages     []stageDoc      `json:"stages" jsonschema:"The load, one stage after the other."`
	Objectives []objectiveItem `json:"objectives,omitempty" jsonschema:"What every judged stage must meet."`
	Profiles   profileMap      `json:"profiles,omitempty" jsonschema:"Parts of the stages by name, of which --profile chooses one. Without it all stages are loaded."`
	Decide     decideText      `json:"decide,omitempty" jsonschema:"What decides an objective with a value: the measured value, or its 95 % interval: sure passes and fails only where the whole interval does, lenient fails only where all of it does. Default: measured."`
	Confirm    switchValue     `json:"confirm,omitempty" jsonschema:"Run a stage once more that fails near its bound, and decide by both together. Default: on."`
	Limits     limitsDoc       `json:"limits,omitzero" jsonschema:"What the run may do at most. A plan that exceeds it is an error."`
	Baseline   baselineItem    `json:"baseline,omitempty" jsonschema:"Earlier results that relative objectives compare with."`
	Metrics    metricsDoc      `json:"metrics,omitzero" jsonschema:"Where the CPU time and the memory of the service are read, by default from its process, where it runs on this machine, and what else is measured of it."`
	Kubernetes kubernetesDoc   `json:"kubernetes,omitzero" jsonschema:"What is watched in a Kubernetes cluster while the service is loaded. It is only read."`
	OpenAPI    fixedText       `json:"openapi,omitempty" jsonschema:"OpenAPI document of the service, relative to this file: the report says which of its operations are not loaded."`
	Service    serviceDoc      `json:"service,omitzero" jsonschema:"How slogate builds and starts the service itself. Only slogate compare BASE..HEAD and slogate run --allow-commands do."`
}

type profileDoc struct {
	Stages     []fixedText     `json:"stages,omitempty" jsonschema:"The stages that are loaded, by their names, in the order of the file. Default: all."`
	Objectives []objectiveItem `json:"objectives,omitempty" jsonschema:"They replace those of the file with the same indicator."`
}

type serviceDoc struct {
	Build commandText `json:"build,omitempty" jsonschema:"Shell command that builds the service, in the folder of this file."`
	Start commandText `json:"start" jsonschema:"Shell command that starts the service and stays in the foreground. It listens on 127.0.0.1:$PORT."`
	Ready requestText `json:"ready,omitempty" jsonschema:"METHOD PATH that succeeds once the service is ready, within 60s. Default: wait_for, else a TCP connect within 30s."`
	Env   variableMap `json:"env,omitempty" jsonschema:"Environment variables of both commands."`
}

type baselineDoc struct {
	Files         filesValue   `json:"files,omitempty" jsonschema:"A result file, a folder of them, or a list, relative to this file."`
	Artifact      artifactText `json:"artifact,omitempty" jsonschema:"First part of the name of the artifacts that workflow runs keep their results in. Default: slogate-result."`
	Branch        branchText   `json:"branch,omitempty" jsonschema:"The branch whose workflow runs count, and keep their results. Default: a pull request's base branch, else the default branch."`
	Ref           fixedText    `json:"ref,omitempty" jsonschema:"A pinned result file beside the others, against slow drift. It can only warn."`
	Last          countValue   `json:"last,omitempty" jsonschema:"How many of the newest results to use. Default: 20."`
	MaxAge        durationText `json:"max_age,omitempty" jsonschema:"Older results do not count. Default: 90d."`
	Strict        switchValue  `json:"strict,omitempty" jsonschema:"A change beyond the tolerance fails, whatever the spread between runs. Default: false."`
	AllowMismatch switchValue  `json:"allow_mismatch,omitempty" jsonschema:"Compare with results of another load, route or machine too. Default: false."`
	BaseTarget    fixedText    `json:"base_target,omitempty" jsonschema:"Base URL of the service to compare with: both are loaded in this run, in turn. The flag --base-target overrides it."`
	Schedule      scheduleText `json:"schedule,omitempty" jsonschema:"How base and head are loaded: alternate, in turn in blocks of 1 s or more, or mixed, at the same time with half of the load each, which understates changes. Default: alternate."`
	Max           durationText `json:"max,omitempty" jsonschema:"How long a stage may last that is extended until base and head can be told apart. Default: 180s."`
	Required      switchValue  `json:"required,omitempty" jsonschema:"Without a baseline relative objectives are inconclusive instead of skipped. Default: false."`
}

type limitsDoc struct {
	Rate        rateText     `json:"rate,omitempty" jsonschema:"Requests a second, whatever causes them. Stages of workers are held back to it."`
	Duration    durationText `json:"duration,omitempty" jsonschema:"Of the whole run; it is ended then."`
	Connections countValue   `json:"connections,omitempty" jsonschema:"To each service at the same time."`
	Hosts       []fixedText  `json:"hosts,omitempty" jsonschema:"Hosts that may be loaded, such as localhost, *.example.com or 10.0.0.0/8."`
}

type httpDoc struct {
	Timeout durationText `json:"timeout,omitempty" jsonschema:"Time limit of one request, connecting included. Default: 10s."`
	Headers headerMap    `json:"headers,omitempty" jsonschema:"Headers of every request."`

	Compression switchValue     `json:"compression,omitempty" jsonschema:"Ask for compressed answers, and decode them for checks and captures. Default: off."`
	Redirects   countValue      `json:"redirects,omitempty" jsonschema:"How many redirects of an answer are followed at most. Default: none."`
	Connections connectionsText `json:"connections,omitempty" jsonschema:"keep: a connection carries one request after the other, new: each request opens its own; or a duration, for which each carries requests at most. Default: keep, and 10s where the autoscaler of a service in Kubernetes is watched."`
	Resolve     resolveMap      `json:"resolve,omitempty" jsonschema:"Addresses to connect to in the place of hosts: {api.local: 127.0.0.1:8080}."`
	Source      fixedText       `json:"source,omitempty" jsonschema:"IP address of this machine that connections are opened from."`
	Proxy       fixedText       `json:"proxy,omitempty" jsonschema:"HTTP proxy that requests go through, such as http://proxy:3128 or https://proxy:3129. Default: none, whatever the environment says."`
	Protocol    protocolText    `json:"protocol,omitempty" jsonschema:"What requests are sent in: http2 is over TLS, h2c without. Default: auto, what TLS agrees upon, and HTTP/1.1 without TLS."`
	Streams     countValue      `json:"streams,omitempty" jsonschema:"Requests on one HTTP/2 connection at the same time, at most. Default: 100."`
	TLS         tlsDoc          `json:"tls,omitzero" jsonschema:"How https is spoken."`
	Auth        authItem        `json:"auth,omitempty" jsonschema:"How requests show who sends them, unless a scenario or a step says otherwise."`
}

// authDoc holds one of its keys.
type authDoc struct {
	Basic  basicDoc     `json:"basic,omitzero" jsonschema:"User and password."`
	Bearer templateText `json:"bearer,omitempty" jsonschema:"A token."`
	OAuth2 oauth2Doc    `json:"oauth2,omitzero" jsonschema:"A token that is fetched before the first stage and renewed while the stages run: client credentials of OAuth 2."`
	SigV4  sigV4Doc     `json:"sigv4,omitzero" jsonschema:"A signature of AWS, version 4."`
	HMAC   hmacDoc      `json:"hmac,omitzero" jsonschema:"A signature of parts of the request by a key that both sides know."`
}

type basicDoc struct {
	User     templateText `json:"user" jsonschema:"Name of the user."`
	Password templateText `json:"password" jsonschema:"Its password."`
}

type oauth2Doc struct {
	TokenURL     fixedText   `json:"token_url" jsonschema:"Where tokens are issued."`
	ClientID     fixedText   `json:"client_id" jsonschema:"Who asks."`
	ClientSecret fixedText   `json:"client_secret" jsonschema:"Its secret."`
	Scopes       []fixedText `json:"scopes,omitempty" jsonschema:"What the token shall permit."`
	Params       formMap     `json:"params,omitempty" jsonschema:"Further parameters of the request for a token, such as audience."`
}

type sigV4Doc struct {
	Region       fixedText `json:"region" jsonschema:"Such as eu-central-1."`
	Service      fixedText `json:"service" jsonschema:"Such as execute-api or s3."`
	AccessKey    fixedText `json:"access_key" jsonschema:"ID of the access key."`
	SecretKey    fixedText `json:"secret_key" jsonschema:"The secret access key."`
	SessionToken fixedText `json:"session_token,omitempty" jsonschema:"Token of temporary credentials."`
}

type hmacDoc struct {
	Header    fixedText     `json:"header" jsonschema:"Header that carries the signature."`
	Key       fixedText     `json:"key" jsonschema:"The key."`
	Algorithm algorithmText `json:"algorithm,omitempty" jsonschema:"Hash of the signature. Default: sha256."`
	Encoding  encodingText  `json:"encoding,omitempty" jsonschema:"How the signature is written. Default: hex."`
	Prefix    fixedText     `json:"prefix,omitempty" jsonschema:"Text before the signature, such as sha256=."`
	Over      []signedText  `json:"over" jsonschema:"What is signed, joined by line feeds: method, path, host, body, header NAME."`
}

type tlsDoc struct {
	CAFile             fixedText      `json:"ca_file,omitempty" jsonschema:"PEM file of the authorities that the service's certificate may be signed by. Default: those of the system."`
	CertFile           fixedText      `json:"cert_file,omitempty" jsonschema:"PEM file of the certificate that is shown to the service."`
	KeyFile            fixedText      `json:"key_file,omitempty" jsonschema:"PEM file of its key."`
	InsecureSkipVerify switchValue    `json:"insecure_skip_verify,omitempty" jsonschema:"Take any certificate of the service. Default: false."`
	MinVersion         tlsVersionText `json:"min_version,omitempty" jsonschema:"The oldest version that is spoken. Default: 1.2."`
	MaxVersion         tlsVersionText `json:"max_version,omitempty" jsonschema:"The newest version that is spoken. Default: the newest one."`
	ServerName         fixedText      `json:"server_name,omitempty" jsonschema:"Name that the certificate must hold, and that the server is told. Default: the host of the target."`
}

type waitForDoc struct {
	Request requestText   `json:"request,omitempty" jsonschema:"METHOD PATH, such as GET /health."`
	TCP     fixedText     `json:"tcp,omitempty" jsonschema:"HOST:PORT that a connection can be opened to, instead of a request."`
	DNS     dnsDoc        `json:"dns,omitzero" jsonschema:"A question that a name server has a record for, instead of a request."`
	Timeout durationText  `json:"timeout,omitempty" jsonschema:"How long to wait. Default: 60s."`
	Accept  []statusValue `json:"accept,omitempty" jsonschema:"Status codes that mean ready. Default: 2xx and 3xx."`
	Headers headerMap     `json:"headers,omitempty" jsonschema:"Headers of this request."`
}

type kubernetesDoc struct {
	Namespace  fixedText `json:"namespace,omitempty" jsonschema:"Namespace of what is watched. Default: the one of the kubeconfig's context or of the service account."`
	HPA        fixedText `json:"hpa,omitempty" jsonschema:"Name of a HorizontalPodAutoscaler. Its target and the pods of that are watched with it."`
	Deployment fixedText `json:"deployment,omitempty" jsonschema:"Name of a Deployment that nothing scales. Its pods are watched with it."`
}

type metricsDoc struct {
	Scrape     fixedText     `json:"scrape,omitempty" jsonschema:"Path of the target's own Prometheus endpoint, such as /metrics."`
	Prometheus prometheusDoc `json:"prometheus,omitzero" jsonschema:"A Prometheus server that is asked for the indicators metric.NAME."`
	CPUProfile cpuProfileDoc `json:"cpu_profile,omitzero" jsonschema:"Take a CPU profile of the service while it is loaded. Default: none."`
}

type cpuProfileDoc struct {
	Path     fixedText    `json:"path,omitempty" jsonschema:"Path of the target's pprof endpoint, such as /debug/pprof/profile."`
	Command  string       `json:"command,omitempty" jsonschema:"Instead of path: shell command that prints a profile of $PROFILE_SECONDS seconds. Only slogate compare BASE..HEAD and slogate run --allow-commands run it, for the service that they start."`
	Duration durationText `json:"duration,omitempty" jsonschema:"How long it is taken, in whole seconds. Default: 10s."`
	Stages   []fixedText  `json:"stages,omitempty" jsonschema:"The stages in which it is taken, by their names. Default: every judged one."`
}

type prometheusDoc struct {
	URL     fixedText    `json:"url" jsonschema:"Address of the server, such as http://localhost:9090."`
	Queries queryMap     `json:"queries" jsonschema:"PromQL by the names of the metrics. Each gives one series."`
	Delay   durationText `json:"delay,omitempty" jsonschema:"How long after the last stage the server is asked: until it has the samples of the stage's end. Default: 5s."`
	Timeout durationText `json:"timeout,omitempty" jsonschema:"Time limit of one request. Default: 10s."`
	Headers headerMap    `json:"headers,omitempty" jsonschema:"Headers of the requests. Those of http are not sent."`
	Auth    authItem     `json:"auth,omitempty" jsonschema:"How the requests show who sends them. That of http is not used."`
}

// requestDoc holds the keys of a request, in a step or directly in a scenario.
type requestDoc struct {
	Request     requestText   `json:"request,omitempty" jsonschema:"METHOD PATH, such as POST /predict."`
	Query       formMap       `json:"query,omitempty" jsonschema:"Parameters that are added to the path. A list stands for several of one name."`
	Headers     headerMap     `json:"headers,omitempty" jsonschema:"Headers of this request."`
	JSON        anyJSON       `json:"json,omitempty" jsonschema:"Body, written as YAML and sent as JSON."`
	Form        formMap       `json:"form,omitempty" jsonschema:"Body, sent as a form."`
	Body        templateText  `json:"body,omitempty" jsonschema:"Body, sent as it is."`
	BodyFile    fixedText     `json:"body_file,omitempty" jsonschema:"File that is the body, relative to this file."`
	Multipart   multipartMap  `json:"multipart,omitempty" jsonschema:"Body, sent as multipart/form-data: texts and files."`
	Gzip        switchValue   `json:"gzip,omitempty" jsonschema:"Send the body compressed. Default: off."`
	Auth        authItem      `json:"auth,omitempty" jsonschema:"How the request shows who sends it, or none; in a scenario with steps: each of them."`
	Timeout     durationText  `json:"timeout,omitempty" jsonschema:"Time limit of this request."`
	Accept      []statusValue `json:"accept,omitempty" jsonschema:"Status codes that are a success. Default: 2xx and 3xx."`
	Checks      []checkText   `json:"checks,omitempty" jsonschema:"Conditions on the answer."`
	Capture     captureMap    `json:"capture,omitempty" jsonschema:"Values to take out of the answer, by the names that later steps use: a JSONPath ($.id), header NAME, cookie NAME, body ~ REGEXP or, of a stream, event."`
	Measure     captureMap    `json:"measure,omitempty" jsonschema:"Numbers to take out of successful answers, for the indicators measure.NAME.p95 and the like: a JSONPath ($.price, $.items.length), header NAME or body ~ REGEXP."`
	WebSocket   templateText  `json:"websocket,omitempty" jsonschema:"Path of a WebSocket that is opened instead of a request, such as /chat."`
	Messages    []messageDoc  `json:"messages,omitempty" jsonschema:"What is sent over the WebSocket and waited for, in order."`
	GRPC        fixedText     `json:"grpc,omitempty" jsonschema:"PACKAGE.SERVICE/METHOD that is called instead of a request. Its message is written as json."`
	Proto       fixedText     `json:"proto,omitempty" jsonschema:"The .proto file that describes the method, relative to this file. Default: the server is asked by reflection."`
	ImportPaths []fixedText   `json:"import_paths,omitempty" jsonschema:"Folders in which the .proto file's imports are looked for, besides its own."`
	TCP         fixedText     `json:"tcp,omitempty" jsonschema:"HOST:PORT that a connection is opened to, and closed."`
	DNS         dnsDoc        `json:"dns,omitzero" jsonschema:"A question to a name server."`
	Stream      streamValue   `json:"stream,omitempty" jsonschema:"How an answer is read that comes bit by bit, as events: sse, lines or chunks, or a map."`
	OnFail      onFailText    `json:"on_fail,omitempty" jsonschema:"What an unsuccessful request does to its iteration. Default: stop."`
}

type messageDoc struct {
	Send   templateText `json:"send,omitempty" jsonschema:"Text that is sent."`
	JSON   anyJSON      `json:"json,omitempty" jsonschema:"Message, written as YAML and sent as JSON."`
	Expect checkText    `json:"expect,omitempty" jsonschema:"Condition on a message that is waited for, such as event contains \"welcome\"."`
	Within durationText `json:"within,omitempty" jsonschema:"How long it is waited for. Default: the time limit of the step."`
	Repeat countValue   `json:"repeat,omitempty" jsonschema:"How often the message is sent and waited for. Default: 1."`
}

type dnsDoc struct {
	Name   templateText `json:"name" jsonschema:"Name that is asked for."`
	Type   dnsTypeText  `json:"type,omitempty" jsonschema:"Type of the records. Default: A."`
	Server fixedText    `json:"server" jsonschema:"Name server that is asked: HOST or HOST:PORT."`
}

type streamDoc struct {
	As    streamText   `json:"as" jsonschema:"What an event is; messages are those of gRPC."`
	Until checkText    `json:"until,omitempty" jsonschema:"Condition on an event that ends the step, such as event == \"[DONE]\"."`
	For   durationText `json:"for,omitempty" jsonschema:"The step ends this long after the request was sent, without being unsuccessful."`
}

type scenarioDoc struct {
	Name    fixedText         `json:"name,omitempty" jsonschema:"Name of the scenario. Default: the name of its first request."`
	Weight  countValue        `json:"weight,omitempty" jsonschema:"How often it is chosen, in proportion to the others. Default: 1."`
	Steps   []scenarioStepDoc `json:"steps,omitempty" jsonschema:"The requests and pauses in order."`
	Start   []stepDoc         `json:"start,omitempty" jsonschema:"Steps that each user does once, before its first iteration. They are not judged."`
	Session sessionText       `json:"session,omitempty" jsonschema:"How long cookies live. Default: iteration where start or a capture of a cookie needs them, else none are kept."`
	Data    dataValue         `json:"data,omitempty" jsonschema:"A file of rows, or a list of files. Each iteration takes one row of each."`
	requestDoc
}

type dataDoc struct {
	File  fixedText `json:"file" jsonschema:"CSV with a line of names, or JSON lines (.jsonl, .ndjson), relative to this file."`
	Order orderText `json:"order,omitempty" jsonschema:"Which row an iteration takes; unique is random without repeating one. Default: sequential."`
	AtEnd atEndText `json:"at_end,omitempty" jsonschema:"What follows the last row; with stop the rows must suffice. Default: repeat; with unique: stop."`
}

type pauseDoc struct {
	Distribution distributionText `json:"distribution" jsonschema:"Its shape."`
	Mean         durationText     `json:"mean" jsonschema:"Mean of the distribution."`
	StdDev       durationText     `json:"stddev,omitempty" jsonschema:"Standard deviation of a normal or lognormal one."`
	Min          durationText     `json:"min,omitempty" jsonschema:"The shortest pause. Default: 0s."`
	Max          durationText     `json:"max,omitempty" jsonschema:"The longest pause. Default: 10 standard deviations above the mean."`
}

// multipartDoc is a file of a multipart body.
type multipartDoc struct {
	File fixedText `json:"file" jsonschema:"File that is sent, relative to this file."`
	Type fixedText `json:"type,omitempty" jsonschema:"Its media type, such as image/png. Default: application/json where the name ends in .json, else application/octet-stream."`
	Name fixedText `json:"name,omitempty" jsonschema:"The name that it is sent under. Default: that of the file."`
}

// plainStep holds the keys of a request or a pause in a list of steps.
type plainStep struct {
	Name  fixedText  `json:"name,omitempty" jsonschema:"Name of the step. Default: its METHOD /path."`
	Pause pauseValue `json:"pause,omitempty" jsonschema:"A wait, such as 200ms, 100ms..500ms or a distribution. It stands alone."`
	requestDoc
}

type stepDoc struct{ plainStep }

// scenarioStepDoc may also be a block that is repeated.
type scenarioStepDoc struct {
	Repeat countValue `json:"repeat,omitempty" jsonschema:"How often the steps of this block are done. It stands with steps alone."`
	Steps  []stepDoc  `json:"steps,omitempty" jsonschema:"With repeat: the requests and pauses of the block."`
	plainStep
}

// setupDoc is a step of before.
type setupDoc struct {
	Every durationText `json:"every,omitempty" jsonschema:"Run the step again this often while the stages run, such as 5m."`
	plainStep
}

// loadDoc holds the keys of a stage, or of one of several workloads at the same
// time.
type loadDoc struct {
	Name       fixedText       `json:"name" jsonschema:"Name of the stage, or of the workload."`
	Requests   countValue      `json:"requests,omitempty" jsonschema:"Exact number of requests, sent by the workers."`
	Duration   durationText    `json:"duration,omitempty" jsonschema:"How long the stage lasts; of a staircase each level."`
	Workers    workersValue    `json:"workers,omitempty" jsonschema:"Users that wait for their answers: 10, a ramp 0..50 or a staircase [5, 10]."`
	Rate       rateValue       `json:"rate,omitempty" jsonschema:"Arrivals that do not wait: 200/s, a ramp 50/s..500/s or a staircase [50/s, 100/s]."`
	Arrivals   arrivalsText    `json:"arrivals,omitempty" jsonschema:"Pattern of the arrivals. Default: uniform."`
	Pacing     pacingText      `json:"pacing,omitempty" jsonschema:"How arrivals are timed: each precisely, or together once a millisecond (tick). Default: auto, which is precise up to 2000/s."`
	Scenarios  []fixedText     `json:"scenarios,omitempty" jsonschema:"The scenarios of this stage, by their names, drawn by their weights. Default: all."`
	Judge      switchValue     `json:"judge,omitempty" jsonschema:"Whether the objectives apply. Default: true."`
	Objectives []objectiveItem `json:"objectives,omitempty" jsonschema:"Objectives of this stage. They replace those of the file with the same indicator."`
	StopOnDead switchValue     `json:"stop_on_dead,omitempty" jsonschema:"Stop when 90 % of the requests failed over 10 s. Default: on."`
}

type workloadDoc struct{ loadDoc }

type stageDoc struct {
	loadDoc
	Search     searchText    `json:"search,omitempty" jsonschema:"Looks for the highest rate of arrivals that still meets the absolute objectives: 50/s..2000/s."`
	Hold       durationText  `json:"hold,omitempty" jsonschema:"With search: how long each rate is held. Default: 30s."`
	Parallel   []workloadDoc `json:"parallel,omitempty" jsonschema:"Workloads that run at the same time, each judged: instead of workers and rate."`
	IdleBefore durationText  `json:"idle_before,omitempty" jsonschema:"Nothing is sent for this long before the stage."`
}

type objectiveDoc struct {
	Fail  objectiveText `json:"fail,omitempty" jsonschema:"An objective that fails the run when it is missed."`
	Warn  objectiveText `json:"warn,omitempty" jsonschema:"An objective that warns when it is missed."`
	Show  indicatorText `json:"show,omitempty" jsonschema:"An indicator that is printed and not judged."`
	Stage fixedText     `json:"stage,omitempty" jsonschema:"The only stage it applies to."`

	Scenario fixedText    `json:"scenario,omitempty" jsonschema:"The only scenario whose requests it judges."`
	Step     fixedText    `json:"step,omitempty" jsonschema:"The only step whose requests it judges."`
	Each     eachText     `json:"each,omitempty" jsonschema:"step: an objective for each step, or for each one of the scenario."`
	For      durationText `json:"for,omitempty" jsonschema:"No part of the stage of this length may miss it, in whole seconds."`

	Abort  switchValue  `json:"abort,omitempty" jsonschema:"Stop the run as soon as it cannot be met any more. Default: false."`
	Grace  durationText `json:"grace,omitempty" jsonschema:"With abort: how long it must have been broken."`
	Decide decideText   `json:"decide,omitempty" jsonschema:"What decides this objective, instead of the file's."`
}

// keysOf gives the keys of a map of the file, in the order of the type.
func keysOf[T any]() []string { return keysOfType(reflect.TypeFor[T]()) }

func keysOfType(t reflect.Type) []string {
	var keys []string
	for _, f := range reflect.VisibleFields(t) {
		if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}
