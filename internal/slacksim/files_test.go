package slacksim_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/workspace"
)

func picture(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, image.NewRGBA(image.Rect(0, 0, 4, 3))))
	return out.Bytes()
}

func TestUploadAndDownload(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	ctx, maya := within(t), st.sim.As(slacksim.Analyst)
	root, err := maya.Say(slacksim.SalesData, "chart, please")
	require.NoError(t, err)
	chart := picture(t)
	summary, err := st.api.UploadFileContext(ctx, slack.UploadFileParameters{
		Filename: "chart.png", FileSize: len(chart), Reader: bytes.NewReader(chart), Title: "Sales", AltTxt: "A rising line",
		Channel: slacksim.SalesData, ThreadTimestamp: root.TS, InitialComment: "Here",
	})
	require.NoError(t, err)
	answer, err := maya.WaitReply(ctx, slacksim.SalesData, root.TS, func(m workspace.Message) bool { return len(m.Files) > 0 })
	require.NoError(t, err)
	f := answer.Files[0]
	require.Equal(t, summary.ID, f.ID)
	require.Equal(t, "Sales", f.Title)
	require.Equal(t, "A rising line", f.AltTxt)
	require.True(t, f.IsImage)
	require.Equal(t, []int{4, 3}, []int{f.Width, f.Height})

	info, _, _, err := st.api.GetFileInfoContext(ctx, f.ID, 0, 0)
	require.NoError(t, err)
	require.Equal(t, root.TS, info.Shares.Public[slacksim.SalesData][0].ThreadTs, "where it was shared is found here, not in the answer to the upload")
	var got bytes.Buffer
	require.NoError(t, st.api.GetFileContext(ctx, info.URLPrivateDownload, &got))
	require.Equal(t, chart, got.Bytes())

	block := slack.NewImageBlockSlackFile(&slack.SlackFileObject{ID: f.ID}, "A rising line", "", nil)
	_, _, err = st.api.PostMessageContext(ctx, slacksim.SalesData, slack.MsgOptionText("x", false), slack.MsgOptionBlocks(block))
	require.NoError(t, err)
	require.NoError(t, st.api.DeleteFileContext(ctx, f.ID))
	_, _, _, err = st.api.GetFileInfoContext(ctx, f.ID, 0, 0)
	require.ErrorContains(t, err, "file_deleted")
	require.ErrorContains(t, st.api.DeleteFileContext(ctx, f.ID), "file_deleted")
	answer, err = maya.Find(slacksim.SalesData, answer.TS)
	require.NoError(t, err)
	require.Equal(t, workspace.File{ID: f.ID, Deleted: true}, answer.Files[0], "a tombstone")
	require.ErrorContains(t, st.api.GetFileContext(ctx, info.URLPrivate, &got), "404")
}

func TestFilesOfPeople(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	ctx, maya := within(t), st.sim.As(slacksim.Analyst)
	shared, err := maya.Share(slacksim.SalesData, "", "sales.csv", []byte("a,b\n"+strings.Repeat("1,2\n", 50)))
	require.NoError(t, err)
	f := shared.Files[0]
	require.Equal(t, "text/csv", f.Mimetype)
	require.True(t, f.Truncated)
	require.Equal(t, 12, strings.Count(f.Preview, "\n")+1)
	_, err = maya.Share(slacksim.CodeReview, "", "x.csv", []byte("x"))
	require.ErrorContains(t, err, "no such channel")
	_, err = maya.Share(slacksim.Random, "", "secret.csv", []byte("x"))
	require.NoError(t, err)

	files, paging, err := st.api.GetFilesContext(ctx, slack.GetFilesParameters{Channel: slacksim.SalesData, Count: 10, Page: 1})
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.Equal(t, 1, paging.Total)
	require.Equal(t, "csv", files[0].Filetype)
	require.Equal(t, "channel_not_found", call(t, st.sim, "files.list", object{"channel": "C0NONE"})["error"])
	mine := call(t, st.sim, "files.list", object{"user": slacksim.BotUser})
	require.Empty(t, mine["files"])
	require.Equal(t, "cant_delete_file", call(t, st.sim, "files.delete", object{"file": f.ID})["error"])
	require.Equal(t, "file_not_found", call(t, st.sim, "files.delete", object{"file": "F0NONE"})["error"])

	var got bytes.Buffer
	require.NoError(t, st.api.GetFileContext(ctx, files[0].URLPrivate, &got))
	replaced, err := maya.ReplaceFile(f.ID, []byte("other"))
	require.NoError(t, err)
	require.Equal(t, f.ID, replaced.ID)
	got.Reset()
	require.NoError(t, st.api.GetFileContext(ctx, files[0].URLPrivate, &got))
	require.Equal(t, "other", got.String())
	require.NoError(t, maya.DeleteFile(f.ID))
	require.ErrorContains(t, maya.DeleteFile(f.ID), "no such file")
	_, err = maya.ReplaceFile(f.ID, nil)
	require.ErrorContains(t, err, "no such file")
	_, err = maya.Download(f.ID)
	require.ErrorContains(t, err, "deleted")
	_, err = st.sim.As(slacksim.Reviewer).Say(slacksim.General, "", f.ID)
	require.ErrorContains(t, err, "no such file")
}

func TestDownloadNeedsTheToken(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	ctx := within(t)
	hidden, err := st.sim.As(slacksim.Analyst).Share(slacksim.Random, "", "secret.csv", []byte("x"))
	require.NoError(t, err)
	address := fmt.Sprintf("%s/files-pri/%s-%s/secret.csv", st.sim.URL(), slacksim.DefaultTeam.ID, hidden.Files[0].ID)
	require.ErrorContains(t, st.api.GetFileContext(ctx, address, io.Discard), "sign-in page", "the bot is not in #random")
	resp, err := http.Get(address)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Contains(t, resp.Header.Get("Content-Type"), "text/html")
	st.sim.Fail(fault.Method{Method: "download", Status: 503})
	require.ErrorContains(t, st.api.GetFileContext(ctx, address, io.Discard), "503")
	st.sim.Fail(fault.Method{Method: "download", Cut: true})
	require.ErrorContains(t, st.api.GetFileContext(ctx, address, io.Discard), "EOF")
}

func TestKindsOfFiles(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	for name, c := range map[string]struct {
		data string
		want string
	}{
		"A.XLSX": {"PK", "xlsx"}, "notes": {"words", "text"}, "blob": {"\x00\xff", "binary"}, "run.py": {"x", "python"}, "chart.png": {"no picture", "png"},
	} {
		f, err := sim.As(slacksim.Analyst).Upload(name, []byte(c.data))
		require.NoError(t, err)
		require.Equal(t, c.want, f.Filetype, name)
		require.False(t, f.IsImage, "a picture is known by its bytes")
	}
}

func TestUploadsThatAreRefused(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	begin := func(args object) object { return call(t, sim, "files.getUploadURLExternal", args) }
	for code, args := range map[string]object{
		"invalid_arguments":           {"length": 1},
		"file_upload_size_restricted": {"filename": "x", "length": 200 << 20},
		"alt_txt_too_large":           {"filename": "x", "length": 1, "alt_txt": strings.Repeat("x", 1001)},
		"snippet_too_large":           {"filename": "x", "length": 2 << 20, "snippet_type": "python"},
	} {
		require.Equal(t, code, begin(args)["error"])
	}
	require.Equal(t, "invalid_arguments", begin(object{"filename": "x", "length": 0})["error"])
	slot := begin(object{"filename": "x.py", "length": 3, "snippet_type": "python"})
	post := func(address, media, body string) int {
		resp, err := http.Post(address, media, strings.NewReader(body))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	address := fmt.Sprint(slot["upload_url"])
	complete := func(args object) any { return call(t, sim, "files.completeUploadExternal", args)["error"] }
	file := []any{object{"id": slot["file_id"]}}
	require.Equal(t, http.StatusNotFound, post(address+"x", "text/plain", "abc"))
	require.Equal(t, http.StatusBadRequest, post(address, "text/plain", "abcd"), "more than was announced")
	require.Equal(t, http.StatusBadRequest, post(address, "multipart/form-data; boundary=x", "--x--"))
	require.Equal(t, "file_not_found", complete(object{"files": file}), "nothing has come yet")
	require.Equal(t, http.StatusOK, post(address, "text/plain", "abc"))
	require.Equal(t, "invalid_arguments", complete(object{}))
	require.Equal(t, "not_in_channel", complete(object{"files": file, "channel_id": slacksim.Random}))
	require.Equal(t, "thread_not_found", complete(object{"files": file, "channel_id": slacksim.General, "thread_ts": "1.2"}))
	require.Equal(t, "invalid_arguments", complete(object{"files": file, "channels": "C0GENERAL,C0SALES", "thread_ts": "1.2"}))
	require.Equal(t, "invalid_blocks", complete(object{"files": file, "channel_id": slacksim.General, "blocks": []any{object{}}}))
	require.Nil(t, complete(object{"files": file, "channels": "C0GENERAL,C0REVIEW"}))
	require.Equal(t, "file_not_found", complete(object{"files": file}), "an upload is completed once")
	m := sim.As(slacksim.Reviewer).Messages(slacksim.CodeReview)
	require.Equal(t, "x.py", m[0].Files[0].Title, "the name, when no title is given")
	info := call(t, sim, "files.info", object{"file": slot["file_id"]})["file"].(object)
	require.Equal(t, "snippet", info["mode"])
	require.Equal(t, []any{slacksim.CodeReview}, info["groups"])
}

func TestThePageUploadsReplacesAndDeletes(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	upload := func(path string, fields map[string]string, name, data string) (object, int) {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		for k, v := range fields {
			require.NoError(t, w.WriteField(k, v))
		}
		if name != "" {
			part, err := w.CreateFormFile("file", name)
			require.NoError(t, err)
			_, err = part.Write([]byte(data))
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		r, err := http.NewRequest(http.MethodPost, sim.URL()+path, &body)
		require.NoError(t, err)
		r.Header.Set("Content-Type", w.FormDataContentType())
		r.Header.Set("X-Slacksim", "1")
		out, _, status := send(t, r)
		return out, status
	}
	out, status := upload("/sim/upload", map[string]string{"as": slacksim.Analyst}, "sales.csv", "a\n1\n")
	require.Equal(t, http.StatusOK, status)
	id := out["file"].(object)["id"].(string)
	out, _ = page(t, sim, "/sim/message", object{"as": slacksim.Analyst, "channel": slacksim.SalesData, "text": "", "files": []any{id}})
	require.Equal(t, true, out["ok"])
	out, _ = upload("/sim/file/replace", map[string]string{"as": slacksim.Analyst, "id": id}, "sales.csv", "b\n2\n")
	require.EqualValues(t, 4, out["file"].(object)["size"])
	file, status := page(t, sim, "/sim/files/"+id+"?as="+slacksim.Reviewer, nil)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "b\n2\n", file["text"])
	_, status = page(t, sim, "/sim/files/"+id+"?as=U0NONE", nil)
	require.Equal(t, http.StatusNotFound, status)
	_, status = page(t, sim, "/sim/file/delete", object{"as": slacksim.Reviewer, "file": id})
	require.Equal(t, http.StatusNotFound, status, "only its owner can")
	_, status = page(t, sim, "/sim/file/delete", object{"as": slacksim.Analyst, "file": id})
	require.Equal(t, http.StatusOK, status)
	_, status = page(t, sim, "/sim/files/"+id+"?as="+slacksim.Analyst, nil)
	require.Equal(t, http.StatusNotFound, status)
	_, status = upload("/sim/upload", map[string]string{"as": slacksim.Deactivated}, "x", "x")
	require.Equal(t, http.StatusForbidden, status)
	_, status = upload("/sim/upload", map[string]string{"as": slacksim.Analyst}, "", "")
	require.Equal(t, http.StatusBadRequest, status)
	_, status = upload("/sim/file/replace", map[string]string{"as": slacksim.Analyst}, "", "")
	require.Equal(t, http.StatusBadRequest, status)
}

func TestPicturesAreShownInPlaceAndNothingElse(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	maya := sim.As(slacksim.Analyst)
	shown := func(name string, data []byte, query string) string {
		f, err := maya.Upload(name, data)
		require.NoError(t, err)
		resp, err := http.Get(sim.URL() + f.URL + query)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
		return resp.Header.Get("Content-Disposition")
	}
	require.Equal(t, "inline; filename=chart.png", shown("chart.png", picture(t), ""))
	require.Equal(t, "attachment; filename=chart.png", shown("chart.png", picture(t), "&download=1"))
	require.Equal(t, "attachment; filename=evil.svg", shown("evil.svg", []byte("<svg onload=alert(1)>"), ""))
	require.Equal(t, "attachment; filename=evil.html", shown("evil.html", []byte("<script>"), ""))
}
