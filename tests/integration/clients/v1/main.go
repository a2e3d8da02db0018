// mesos-go's v1 library subscribes, launches and acknowledges in protobuf: v1 MASTER TASKS
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/encoding/codecs"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/controller"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpsched"
	"github.com/mesos/mesos-go/api/v1/lib/resources"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/events"
)

func main() {
	wanted, _ := strconv.Atoi(os.Args[2])
	launched, finished := 0, 0
	frameworkID := ""
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()

	caller := httpsched.NewCaller(httpcli.New(
		httpcli.Endpoint("http://"+os.Args[1]+"/api/v1/scheduler"),
		httpcli.Codec(codecs.ByMediaType[codecs.MediaTypeProtobuf]),
		httpcli.Do(httpcli.With(httpcli.Timeout(60*time.Second))),
	))
	call := func(c *scheduler.Call) {
		response, err := caller.Call(ctx, c.With(calls.Framework(frameworkID)))
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		if response != nil {
			response.Close()
		}
	}

	handler := events.HandlerFunc(func(_ context.Context, e *scheduler.Event) error {
		switch e.GetType() {
		case scheduler.Event_SUBSCRIBED:
			frameworkID = e.GetSubscribed().GetFrameworkID().GetValue()
			fmt.Println("subscribed", frameworkID)
		case scheduler.Event_OFFERS:
			for _, offer := range e.GetOffers().GetOffers() {
				var tasks []mesos.TaskInfo
				for launched < wanted {
					launched++
					id := "go-v1-" + strconv.Itoa(launched)
					value, shell := "echo hello from v1", true
					task := mesos.TaskInfo{
						Name:    id,
						TaskID:  mesos.TaskID{Value: id},
						AgentID: offer.AgentID,
						Command: &mesos.CommandInfo{Value: &value, Shell: &shell},
						Resources: []mesos.Resource{
							resources.NewCPUs(0.1).Resource,
							resources.NewMemory(32).Resource,
						},
					}
					tasks = append(tasks, task)
				}
				call(calls.Accept(calls.OfferOperations{calls.OpLaunch(tasks...)}.WithOffers(offer.ID)).
					With(calls.RefuseSeconds(time.Second)))
			}
		case scheduler.Event_UPDATE:
			status := e.GetUpdate().GetStatus()
			fmt.Println("update", status.TaskID.Value, status.GetState().String())
			if len(status.GetUUID()) > 0 {
				call(calls.Acknowledge(status.GetAgentID().GetValue(), status.TaskID.Value, status.GetUUID()))
			}
			if status.GetState() == mesos.TASK_FINISHED {
				if finished++; finished == wanted {
					fmt.Println("finished", finished)
					cancel()
				}
			}
		case scheduler.Event_ERROR:
			fmt.Println("error", e.GetError().GetMessage())
			os.Exit(1)
		}
		return nil
	})

	user, err := "root", error(nil)
	err = controller.Run(ctx, &mesos.FrameworkInfo{User: user, Name: "mesos-go v1"}, caller,
		controller.WithEventHandler(handler),
		controller.WithFrameworkID(func() string { return frameworkID }))
	if finished != wanted {
		fmt.Println("error", err, finished, "finished")
		os.Exit(1)
	}
}
