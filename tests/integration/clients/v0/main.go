// mesos-go's v0 driver registers over libprocess, launches tasks and sees them finish:
// v0 MASTER TASKS
package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	mesos "github.com/mesos/mesos-go/api/v0/mesosproto"
	"github.com/mesos/mesos-go/api/v0/mesosutil"
	sched "github.com/mesos/mesos-go/api/v0/scheduler"
)

type framework struct {
	wanted, launched, finished int
}

func (f *framework) Registered(_ sched.SchedulerDriver, id *mesos.FrameworkID, _ *mesos.MasterInfo) {
	fmt.Println("registered", id.GetValue())
}
func (f *framework) Reregistered(sched.SchedulerDriver, *mesos.MasterInfo) {
	fmt.Println("registered again")
}
func (f *framework) Disconnected(sched.SchedulerDriver)                    { fmt.Println("disconnected") }
func (f *framework) OfferRescinded(sched.SchedulerDriver, *mesos.OfferID) {}
func (f *framework) FrameworkMessage(sched.SchedulerDriver, *mesos.ExecutorID, *mesos.SlaveID, string) {
}
func (f *framework) SlaveLost(sched.SchedulerDriver, *mesos.SlaveID) { fmt.Println("agent lost") }
func (f *framework) ExecutorLost(sched.SchedulerDriver, *mesos.ExecutorID, *mesos.SlaveID, int) {
}
func (f *framework) Error(_ sched.SchedulerDriver, text string) { fmt.Println("error", text) }

func (f *framework) ResourceOffers(driver sched.SchedulerDriver, offers []*mesos.Offer) {
	for _, offer := range offers {
		var tasks []*mesos.TaskInfo
		for f.launched < f.wanted {
			f.launched++
			id := "go-v0-" + strconv.Itoa(f.launched)
			command, shell := "echo hello from v0", true
			tasks = append(tasks, &mesos.TaskInfo{
				Name:    &id,
				TaskId:  mesosutil.NewTaskID(id),
				SlaveId: offer.SlaveId,
				Command: &mesos.CommandInfo{Value: &command, Shell: &shell},
				Resources: []*mesos.Resource{
					mesosutil.NewScalarResource("cpus", 0.1),
					mesosutil.NewScalarResource("mem", 32),
				},
			})
		}
		seconds := 1.0
		driver.LaunchTasks([]*mesos.OfferID{offer.Id}, tasks, &mesos.Filters{RefuseSeconds: &seconds})
	}
}

func (f *framework) StatusUpdate(driver sched.SchedulerDriver, status *mesos.TaskStatus) {
	fmt.Println("update", status.TaskId.GetValue(), status.GetState().String())
	if status.GetState() == mesos.TaskState_TASK_FINISHED {
		f.finished++
		if f.finished == f.wanted {
			// The driver acknowledges behind this call.
			go func() {
				time.Sleep(300 * time.Millisecond)
				driver.Stop(false)
			}()
		}
	}
}

func main() {
	wanted, _ := strconv.Atoi(os.Args[2])
	user, name := "root", "mesos-go v0"
	f := &framework{wanted: wanted}
	driver, err := sched.NewMesosSchedulerDriver(sched.DriverConfig{
		Scheduler:      f,
		Framework:      &mesos.FrameworkInfo{User: &user, Name: &name},
		Master:         os.Args[1],
		BindingAddress: net.ParseIP("127.0.0.1"),
	})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	go func() {
		time.Sleep(40 * time.Second)
		fmt.Println("too slow")
		os.Exit(1)
	}()
	if _, err := driver.Run(); err != nil || f.finished != wanted {
		fmt.Println("error", err, f.finished, "finished")
		os.Exit(1)
	}
	fmt.Println("finished", f.finished)
}
