package githubtest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// object returns an object with links: every name has the address followed by
// the name's path.
func object(base string, paths map[string]string, rest map[string]any) map[string]any {
	o := map[string]any{}
	for name, path := range paths {
		o[name] = base + path
	}
	maps.Copy(o, rest)
	return o
}

func repositoryURL(r *http.Request) string { return "http://" + r.Host + "/repos/" + Repository }

// User returns an account as the API does.
func User(r *http.Request, login string) map[string]any {
	kind := "User"
	if strings.HasSuffix(login, "[bot]") {
		kind = "Bot"
	}
	paths := map[string]string{"url": "", "html_url": "", "avatar_url": "/avatar"}
	for _, name := range []string{"events", "followers", "following", "gists", "organizations", "received_events", "repos", "starred", "subscriptions"} {
		paths[name+"_url"] = "/" + name
	}
	return object("http://"+r.Host+"/users/"+login, paths, map[string]any{
		"login": login, "id": 1 + len(login), "node_id": "U_1", "gravatar_id": "", "site_admin": false, "type": kind,
	})
}

func (c Comment) json(r *http.Request) map[string]any {
	o := object(repositoryURL(r), map[string]string{
		"url":       fmt.Sprintf("/issues/comments/%d", c.ID),
		"html_url":  fmt.Sprintf("/pull/%d#issuecomment-%d", c.Pull, c.ID),
		"issue_url": fmt.Sprintf("/issues/%d", c.Pull),
	}, map[string]any{
		"id": c.ID, "node_id": "IC_1", "body": c.Body, "user": User(r, c.Login), "author_association": "NONE",
		"created_at": at, "updated_at": at,
	})
	if c.Minimized {
		o["minimized"] = map[string]any{"reason": "outdated"}
	}
	return o
}

func (p Pull) json(r *http.Request) map[string]any {
	here := fmt.Sprintf("/pulls/%d", p.Number)
	o := object(repositoryURL(r), map[string]string{
		"url": here, "html_url": here, "diff_url": here, "patch_url": here, "issue_url": here, "commits_url": here,
		"review_comments_url": here, "review_comment_url": here, "comments_url": here, "statuses_url": here,
	}, map[string]any{
		"id": 5000 + p.Number, "node_id": "PR_1", "number": p.Number, "state": p.State, "locked": false, "title": "Faster",
		"user": User(r, p.Head.Owner), "body": nil, "labels": []any{}, "milestone": nil, "created_at": at, "updated_at": at,
		"closed_at": nil, "merged_at": nil, "merge_commit_sha": nil, "assignee": nil, "draft": false,
		"head": p.Head.json(r), "base": p.Base.json(r), "author_association": "NONE", "auto_merge": nil,
	})
	links := map[string]any{}
	for _, name := range []string{"comments", "commits", "statuses", "html", "issue", "review_comments", "review_comment", "self"} {
		links[name] = map[string]any{"href": repositoryURL(r) + here}
	}
	o["_links"] = links
	return o
}

func (s Side) json(r *http.Request) map[string]any {
	o := map[string]any{"label": s.Owner + ":" + s.Ref, "ref": s.Ref, "sha": s.SHA, "user": User(r, s.Owner), "repo": nil}
	if s.RepositoryID != 0 {
		o["repo"] = Home(r, s.RepositoryID, s.Owner)
	}
	return o
}

// Home returns a repository as the API does.
func Home(r *http.Request, id int64, owner string) map[string]any {
	paths := map[string]string{"url": "", "html_url": "", "clone_url": "", "svn_url": ""}
	for _, name := range []string{
		"archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents", "contributors",
		"deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks", "issue_comment", "issue_events", "issues",
		"keys", "labels", "languages", "merges", "milestones", "notifications", "pulls", "releases", "stargazers", "statuses", "subscribers",
		"subscription", "tags", "teams", "trees",
	} {
		paths[name+"_url"] = "/" + name
	}
	o := object("http://"+r.Host+"/repos/"+owner+"/iris", paths, map[string]any{
		"id": id, "node_id": "R_1", "name": "iris", "full_name": owner + "/iris", "owner": User(r, owner), "private": false,
		"fork": id != RepositoryID, "default_branch": "main", "git_url": "git://" + r.Host, "ssh_url": "git@" + r.Host, "mirror_url": nil,
		"description": nil, "homepage": nil, "language": nil, "license": nil, "archived": false, "disabled": false,
		"created_at": at, "updated_at": at, "pushed_at": at,
	})
	for _, name := range []string{"forks", "forks_count", "open_issues", "open_issues_count", "size", "stargazers_count", "watchers", "watchers_count"} {
		o[name] = 0
	}
	for _, name := range []string{"has_downloads", "has_issues", "has_pages", "has_projects", "has_wiki", "has_discussions"} {
		o[name] = true
	}
	return o
}

func (l Labelled) label(id int, r *http.Request) map[string]any {
	return map[string]any{
		"id": id + 1, "node_id": "L_1", "url": repositoryURL(r) + "/labels/" + l.Name, "name": l.Name,
		"description": nil, "color": "ededed", "default": false,
	}
}

func (l Labelled) event(id int, r *http.Request) map[string]any {
	return map[string]any{
		"id": id + 1, "node_id": "LE_1", "url": fmt.Sprintf("%s/issues/events/%d", repositoryURL(r), id+1), "actor": User(r, l.By), "event": "labeled",
		"commit_id": nil, "commit_url": nil, "created_at": at, "label": map[string]any{"name": l.Name, "color": "ededed"},
		"performed_via_github_app": nil,
	}
}

func (c CheckRun) json(id int, r *http.Request) map[string]any {
	here := fmt.Sprintf("%s/check-runs/%d", repositoryURL(r), id)
	return map[string]any{
		"id": id, "node_id": "CR_1", "external_id": "", "head_sha": c.HeadSHA, "name": c.Name, "status": c.Status, "conclusion": c.Conclusion,
		"url": here, "html_url": here, "details_url": c.DetailsURL, "started_at": at, "completed_at": at,
		"check_suite": map[string]any{"id": 1}, "app": nil, "pull_requests": []any{},
		"output": map[string]any{
			"title": c.Output.Title, "summary": c.Output.Summary, "text": nil,
			"annotations_count": len(c.Output.Annotations), "annotations_url": here + "/annotations",
		},
	}
}

// comparison is what two commits have in common.
func comparison(r *http.Request, base string) map[string]any {
	return object(repositoryURL(r)+"/compare", map[string]string{"url": "", "html_url": "", "permalink_url": "", "diff_url": ".diff", "patch_url": ".patch"}, map[string]any{
		"base_commit": commit(r, base), "merge_base_commit": commit(r, base), "status": "ahead",
		"ahead_by": 1, "behind_by": 0, "total_commits": 1, "commits": []any{}, "files": []any{},
	})
}

func commit(r *http.Request, sha string) map[string]any {
	person := map[string]any{"name": "Ann", "email": "ann@example.invalid", "date": at}
	here := "/commits/" + sha
	return object(repositoryURL(r), map[string]string{"url": here, "html_url": here, "comments_url": here + "/comments"}, map[string]any{
		"sha": sha, "node_id": "C_1", "author": User(r, "ann"), "committer": User(r, "ann"), "parents": []any{},
		"commit": map[string]any{
			"url": repositoryURL(r) + "/git" + here, "author": person, "committer": person, "message": "Faster", "comment_count": 0,
			"tree": map[string]any{"sha": sha, "url": repositoryURL(r) + "/git/trees/" + sha},
		},
	})
}

// content is a file, encoded in lines as GitHub does.
func content(r *http.Request, path, text string) map[string]any {
	encoded := base64.StdEncoding.EncodeToString([]byte(text))
	var lines strings.Builder
	for len(encoded) > 60 {
		lines.WriteString(encoded[:60] + "\n")
		encoded = encoded[60:]
	}
	lines.WriteString(encoded + "\n")
	here := repositoryURL(r) + "/contents/" + path
	return map[string]any{
		"type": "file", "encoding": "base64", "size": len(text), "name": path[strings.LastIndex(path, "/")+1:], "path": path,
		"content": lines.String(), "sha": strings.Repeat("0", 40), "url": here, "git_url": here, "html_url": here, "download_url": here,
		"_links": map[string]any{"git": here, "self": here, "html": here},
	}
}

// tree lists files, and the folders that lead to them.
func tree(r *http.Request, sha string, paths []string) map[string]any {
	here := repositoryURL(r) + "/git/"
	var entries []map[string]any
	for _, path := range paths {
		if folder, _, found := strings.Cut(path, "/"); found {
			entries = append(entries, map[string]any{"path": folder, "mode": "040000", "type": "tree", "sha": sha, "url": here + "trees/" + sha})
		}
		entries = append(entries, map[string]any{"path": path, "mode": "100644", "type": "blob", "sha": sha, "size": 1, "url": here + "blobs/" + sha})
	}
	return map[string]any{"sha": sha, "url": here + "trees/" + sha, "tree": entries, "truncated": false}
}
