package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Process is one program the harness started, its output kept in a file.
type Process struct {
	Name    string
	LogPath string

	cmd     *exec.Cmd
	done    chan struct{}
	waitErr error
}

// Command says what to start. Env entries are added to a minimal environment, so that nothing of the
// developer's own (KUBECONFIG, proxies) reaches the programs.
type Command struct {
	Name string
	Path string
	Args []string
	Env  []string
	// LogDir receives <Name>.log; a second process of the same name appends to it.
	LogDir string
}

// StartProcess runs the command. The kernel kills it when this process dies, so that a test run that panics
// or times out leaves nothing behind.
func StartProcess(c Command) (*Process, error) {
	p := &Process{Name: c.Name, LogPath: filepath.Join(c.LogDir, c.Name+".log"), done: make(chan struct{})}
	log, err := os.OpenFile(p.LogPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd = exec.Command(c.Path, c.Args...)
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.LogDir}, c.Env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	go func() {
		p.waitErr = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Pid is the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Running tells whether the process has not ended yet.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Kill ends the process with SIGKILL and waits for it.
func (p *Process) Kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.done
}

// Terminate asks with SIGTERM and waits up to grace, then kills. It returns the exit status and whether
// SIGTERM was enough.
func (p *Process) Terminate(grace time.Duration) (int, bool) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	status, ended := p.Wait(grace)
	if !ended {
		p.Kill()
	}
	return status, ended
}

// Wait returns the exit status (-1 where a signal ended it) and whether the process ended within limit.
func (p *Process) Wait(limit time.Duration) (int, bool) {
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode(), true
	case <-time.After(patience * limit):
		return 0, false
	}
}

// Log returns everything the process has written so far.
func (p *Process) Log() string {
	text, err := os.ReadFile(p.LogPath)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// LogTail returns the last lines of the log.
func (p *Process) LogTail(lines int) string {
	all := strings.Split(strings.TrimRight(p.Log(), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// exited reports an early end as an error that carries the last words of the log.
func (p *Process) exited() error {
	if p.Running() {
		return nil
	}
	return fmt.Errorf("%s ended early (%v):\n%s", p.Name, p.waitErr, p.LogTail(20))
}

// RunOnce runs a program to its end and returns what it printed. An exit status other than 0 is no error
// here: the status is returned.
func RunOnce(limit time.Duration, env []string, stdin string, path string, args ...string) (stdout, stderr string, status int, err error) {
	cmd := exec.Command(path, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		return "", "", 0, err
	}
	timer := time.AfterFunc(patience*limit, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = nil
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode(), err
}
