// Package report writes a judged run in every form that somebody reads: the
// terminal's tables, the Markdown summary, the HTML page and the result file.
//
// In comes a [result.Run] that gate and diagnose have finished. A [View] of it
// is built once, with every number already a text, and each form only places
// these texts: so all of them show the same facts. The package computes no
// verdict, and knows neither the CI nor the environment.
//
// Everything from outside (names, paths, answers of the service) is a [Text],
// which escapes itself for the form that it is printed in.
package report
